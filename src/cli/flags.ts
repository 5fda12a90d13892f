import type { LogLevel } from '../kernel/log.js'

export const PROGRESS_MODES = ['auto', 'bar', 'plain', 'json', 'none'] as const
export type ProgressMode = (typeof PROGRESS_MODES)[number]

/** What every command understands. */
export interface GlobalFlags {
  readonly json: boolean
  readonly quiet: boolean
  readonly progress: ProgressMode
  /** Null when `--env-file` was not given: `.env` of the working folder, if it is there. */
  readonly envFile: string | null
  /** Null when `--log-level` was not given: the setting decides. */
  readonly logLevel: LogLevel | null
  /** False under `--no-color`; a stream that is no terminal is never coloured anyway. */
  readonly color: boolean
  readonly yes: boolean
}

export const DEFAULT_FLAGS: GlobalFlags = {
  json: false,
  quiet: false,
  progress: 'auto',
  envFile: null,
  logLevel: null,
  color: true,
  yes: false,
}

/** The flags that shape an error message, for a command line that could not be parsed. */
export function guessFlags(argv: readonly string[]): GlobalFlags {
  const end = argv.indexOf('--')
  const words = end === -1 ? argv : argv.slice(0, end)
  return {
    ...DEFAULT_FLAGS,
    json: words.includes('--json'),
    quiet: words.includes('--quiet'),
    color: !words.includes('--no-color'),
  }
}
