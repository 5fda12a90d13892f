import type { Io, Style } from '../src/cli/io.js'
import { table } from '../src/cli/tables.js'
import { type EffectiveSetting, effectiveSettings } from '../src/kernel/config.js'
import { SETTINGS } from '../src/kernel/settings.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const command = program.command('config').action(() => {
    io.print({ settings: effectiveSettings(io.config()) }, ({ settings }, style) => asText(settings, style))
  })
  command.addHelpText(
    'after',
    () => `\nSettings (a secret may also be the content of the file named by <NAME>_FILE):\n${settingLines()}`,
  )
  examples(command, ['feedctl config', 'feedctl config --env-file production.env --json'])
}

function asText(settings: readonly EffectiveSetting[], style: Style): string {
  return table(
    settings,
    [
      { title: 'SETTING', cell: setting => setting.name },
      { title: 'VALUE', cell: setting => setting.value },
      {
        title: 'SOURCE',
        cell: setting => setting.source,
        paint: (text, { source }) => (source === 'default' ? style.dim(text) : text),
      },
    ],
    style,
  )
}

function settingLines(): string {
  const settings = Object.values(SETTINGS)
  const cells = Math.max(...settings.map(setting => setting.env.length))
  return settings.map(setting => `  ${setting.env.padEnd(cells)}  ${setting.doc} (${defaultWords(setting)})`).join('\n')
}

function defaultWords(setting: (typeof SETTINGS)[keyof typeof SETTINGS]): string {
  if ('secret' in setting) return 'secret'
  const fallback = setting.default
  if (fallback === null || (Array.isArray(fallback) && fallback.length === 0)) return 'no default'
  return `default ${String(fallback)}`
}
