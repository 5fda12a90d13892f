import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Option } from '@commander-js/extra-typings'
import { counted } from '../src/cli/figures.js'
import type { Io, Style } from '../src/cli/io.js'
import { showControls } from '../src/cli/width.js'
import type { Finding, Severity } from '../src/doctor/check.js'
import type { Config } from '../src/kernel/config.js'
import { Failure, isFailure } from '../src/kernel/errors.js'
import { settingsOf } from './opening.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const command = program
    .command('doctor')
    .option('--fix', 'mend what can be mended safely, each after a yes')
    .addOption(
      new Option('--fail-on <severity>', 'least severity that exits 8')
        .choices(['warn', 'fail'] as const)
        .default('fail' as const),
    )
    .action(async ({ fix, failOn }) => {
      const config = readSettings(io)
      const { findings, mended, unmended, refusal } = isFailure(config)
        ? { findings: await findingsWithout(config), mended: [], unmended: 0, refusal: null }
        : await examineAll(io, config, fix === true)
      const report = fix === true ? { findings, mended } : { findings }
      io.print(report, (_, style) => asText(findings, mended, style))
      if (refusal !== null) throw refusal
      const counting: readonly Severity[] = failOn === 'warn' ? ['warn', 'fail'] : ['fail']
      const failing = findings.filter(({ severity }) => counting.includes(severity))
      if (failing.length > 0)
        throw new Failure('CHECK_FAILED', `${failing.length} of ${counted(findings.length, 'check')} did not pass`, {
          hint: fix === true ? 'what each of them says' : 'what each of them says; feedctl doctor --fix mends some',
        })
      // Nothing is so bad as to fail, but what was agreed to is not done.
      if (unmended > 0)
        throw new Failure('UNAVAILABLE', `${counted(unmended, 'thing')} could not be mended`, {
          hint: 'the lines above say why; then the same command again',
        })
    })
  examples(command, ['feedctl doctor', 'feedctl doctor --fail-on warn --json', 'feedctl doctor --fix --yes'])
}

/** The refusal of settings is a finding too. */
function readSettings(io: Io): Config | Failure {
  try {
    return settingsOf(io)
  } catch (error) {
    if (isFailure(error, 'CONFIG_INVALID')) return error
    throw error
  }
}

async function findingsWithout(refusal: Failure): Promise<Finding[]> {
  const { examineWithout } = await import('../src/doctor/doctor.js')
  return examineWithout(refusal)
}

interface Examined {
  readonly findings: readonly Finding[]
  readonly mended: readonly string[]
  /** How much of what was agreed to could not be done. */
  readonly unmended: number
  readonly refusal: Failure | null
}

async function examineAll(io: Io, config: Config, fix: boolean): Promise<Examined> {
  const [{ examine, mend }, { scheduleOf }, { ctimeMs }] = await Promise.all([
    import('../src/doctor/doctor.js'),
    import('../src/schedule/entries.js'),
    stat(fileURLToPath(import.meta.url)),
  ])
  const schedule = scheduleOf(config).map(({ id }) => id)
  const around = { config, log: io.log, schedule, installedAt: ctimeMs, signal: io.signal }
  const findings = await examine(around)
  if (!fix) return { findings, mended: [], unmended: 0, refusal: null }
  const { done, failed, refusal } = await mend(around, findings, deed => io.confirm(deed))
  for (const line of failed) io.note(line)
  return { findings: done.length === 0 ? findings : await examine(around), mended: done, unmended: failed.length, refusal }
}

function asText(findings: readonly Finding[], mended: readonly string[], style: Style): string {
  const cells = Math.max(...findings.map(({ id }) => id.length))
  const paint = { ok: style.green, warn: style.yellow, fail: style.red }
  const lines = findings.flatMap(({ id, severity, evidence, fix, since }) => {
    const line = `${paint[severity](severity.padEnd(4))}  ${id.padEnd(cells)}  ${showControls(evidence)}`
    if (severity === 'ok') return [line]
    const indent = ' '.repeat(cells + 8)
    const help = fix === null ? [] : [`${indent}try: ${showControls(fix)}`]
    return [line, `${indent}${style.dim(`since ${since.toISOString()}`)}`, ...help]
  })
  const count = (wanted: Severity) => findings.filter(({ severity }) => severity === wanted).length
  const sum = `${counted(findings.length, 'check')}: ${count('ok')} ok, ${counted(count('warn'), 'warning')}, ${counted(count('fail'), 'failure')}`
  return [...mended.map(line => `mended: ${showControls(line)}`), ...lines, sum].join('\n')
}
