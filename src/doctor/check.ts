import type { Config } from '../kernel/config.js'
import type { Parts } from './parts.js'

export type Severity = 'ok' | 'warn' | 'fail'

/** What a check finds now. */
export interface Verdict {
  readonly severity: Severity
  /** What was seen, in one line. Never a secret. */
  readonly evidence: string
  /** The command or setting that mends it; null when there is nothing to mend, or no one way to. */
  readonly fix: string | null
}

/** A verdict, and since when the check has found this severity. */
export interface Finding extends Verdict {
  readonly id: string
  readonly since: Date
}

/** A change that is safe, and can be taken back. */
export interface Mend {
  /** As a person is asked about it: `turn on the append-only file of 127.0.0.1:6379`. */
  readonly deed: string
  /** Does it; answers what was done, in one line. */
  apply(): Promise<string>
}

/** One thing that `feedctl doctor` looks at. To add one, write its file and name it in `checks.ts`. */
export interface Check {
  /** `<what>.<aspect>`. */
  readonly id: string
  /** Where it does not apply it is absent from the findings. Default: everywhere. */
  readonly applies?: (config: Config) => boolean
  /** What it means that the check cannot look (it threw, or took too long). Default: warn. */
  readonly blind?: 'warn' | 'fail'
  /** It takes turns with the others that do, and what it may take counts from its turn. Default: it runs beside all others. */
  readonly takesTurns?: true
  run(parts: Parts): Promise<Verdict>
  /** How to mend what was found; null when nothing can be done safely. Asked only when the check did not find `ok`. */
  readonly mend?: (parts: Parts) => Promise<Mend | null>
}

export const ok = (evidence: string): Verdict => ({ severity: 'ok', evidence, fix: null })
export const warn = (evidence: string, fix: string | null): Verdict => ({ severity: 'warn', evidence, fix })
export const fail = (evidence: string, fix: string | null): Verdict => ({ severity: 'fail', evidence, fix })

export const onRedis = ({ queueConnection, cacheDriver, sessionDriver }: Config): boolean =>
  [queueConnection, cacheDriver, sessionDriver].includes('redis')
export const queueOnRedis = (config: Config): boolean => config.queueConnection === 'redis'
export const onMysql = (config: Config): boolean => config.dbConnection === 'mysql'
