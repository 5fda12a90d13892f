import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { z } from 'zod'
import { Failure, wordsOf } from './errors.js'
import { nearest } from './nearest.js'
import { type Config, SETTINGS, type SettingKey } from './settings.js'

export type { Config, SettingKey } from './settings.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a value comes from. `file` is a secret read through `<NAME>_FILE`. */
export type ValueSource = 'flag' | 'environment' | '.env' | 'file' | 'default'

export interface EffectiveSetting {
  readonly name: string
  /** As text; `***` for a secret that is set, '' when there is no value. */
  readonly value: string
  readonly source: ValueSource
  readonly doc: string
}

/** Read settings: the values, and for each where it came from. */
export interface LoadedConfig {
  readonly config: Config
  readonly sources: Readonly<Record<SettingKey, ValueSource>>
}

export interface ConfigInput {
  readonly env: Environment
  /** The .env file: a path that must exist when `envFileNamed`, else used only when there. */
  readonly envFile: string
  readonly envFileNamed: boolean
  /** Values that flags of the command line set, as text, by environment name. */
  readonly flags?: Environment
}

const KEYS = Object.keys(SETTINGS) as SettingKey[]
const KNOWN_NAMES = KEYS.flatMap(key => {
  const setting = SETTINGS[key]
  return 'secret' in setting ? [setting.env, `${setting.env}_FILE`] : [setting.env]
})

/**
 * Reads the settings: flag, then environment, then `.env`, then default. An empty value counts as not set.
 * @throws {Failure} CONFIG_INVALID naming every mistake at once
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const layers: [ValueSource, Environment][] = [
    ['flag', input.flags ?? {}],
    ['environment', input.env],
    ['.env', readEnvFile(input)],
  ]
  const mistakes = layers.flatMap(([, layer]) => unknownNames(layer))
  const config: Record<string, unknown> = {}
  const sources: Partial<Record<SettingKey, ValueSource>> = {}
  for (const key of KEYS) {
    const setting = SETTINGS[key]
    const found = findValue(key, layers, mistakes)
    sources[key] = found?.source ?? 'default'
    config[key] = setting.default
    if (found === null) continue
    const read = setting.schema.safeParse(found.text)
    if (read.success) config[key] = read.data
    else mistakes.push(mistakeIn(key, found.text, read.error))
  }
  if (mistakes.length > 0) {
    throw new Failure('CONFIG_INVALID', mistakes.join('; '), { hint: 'feedctl config --help lists every setting' })
  }
  return { config: Object.freeze(config) as Config, sources: sources as Record<SettingKey, ValueSource> }
}

/** Every setting as an operator may see it. */
export function effectiveSettings(loaded: LoadedConfig): EffectiveSetting[] {
  return KEYS.map(key => {
    const setting = SETTINGS[key]
    const value = loaded.config[key]
    const shown = value === null ? '' : Array.isArray(value) ? value.join(',') : String(value)
    return {
      name: setting.env,
      value: 'secret' in setting && shown !== '' ? '***' : shown,
      source: loaded.sources[key],
      doc: setting.doc,
    }
  })
}

function readEnvFile(input: ConfigInput): Environment {
  let content: string
  try {
    content = readFileSync(input.envFile, 'utf8')
  } catch (error) {
    if (!input.envFileNamed && (error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new Failure('CONFIG_INVALID', `cannot read ${input.envFile}: ${wordsOf(error)}`, { cause: error })
  }
  return parseEnv(content)
}

function unknownNames(layer: Environment): string[] {
  return Object.keys(layer)
    .filter(name => name.startsWith('FEEDCTL_') && !name.startsWith('FEEDCTL_TEST_') && !KNOWN_NAMES.includes(name))
    .map(name => {
      const near = nearest(name, KNOWN_NAMES)
      return `${name} is not a setting${near === null ? '' : `, did you mean ${near}?`}`
    })
}

function findValue(
  key: SettingKey,
  layers: readonly [ValueSource, Environment][],
  mistakes: string[],
): { text: string; source: ValueSource } | null {
  const setting = SETTINGS[key]
  for (const [source, layer] of layers) {
    const text = layer[setting.env]
    if (text !== undefined && text !== '') return { text, source }
    const file = 'secret' in setting ? layer[`${setting.env}_FILE`] : undefined
    if (file === undefined || file === '') continue
    try {
      return { text: readFileSync(file, 'utf8').trim(), source: 'file' }
    } catch (error) {
      mistakes.push(`${setting.env}_FILE: ${wordsOf(error)}`)
    }
  }
  return null
}

function mistakeIn(key: SettingKey, text: string, error: z.ZodError): string {
  const setting = SETTINGS[key]
  const shown = 'secret' in setting ? '(secret)' : JSON.stringify(text)
  const issue = error.issues[0]
  const why = issue?.code === 'invalid_value' ? `is not one of ${issue.values.join(', ')}` : (issue?.message ?? 'is not valid')
  return `${setting.env}=${shown} ${why}`
}
