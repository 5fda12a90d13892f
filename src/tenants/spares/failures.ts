import { Failure, type FailureCode } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { DatabaseName } from '../ids.js'

/** One spare database that could not be made, or dropped. */
export interface SpareFailure {
  readonly host: string
  readonly database: DatabaseName
  readonly code: FailureCode
  readonly message: string
}

export function spareFailure({ host, database }: Pick<SpareFailure, 'host' | 'database'>, error: Failure): SpareFailure {
  return { host, database, code: error.code, message: error.message }
}

/** `deed`: what could not be done, as `made`. @throws {Failure} PARTIAL, with the words of the first, where some failed */
export function refuseFailed(failures: readonly SpareFailure[], deed: 'made' | 'dropped'): void {
  const [first] = failures
  if (first === undefined) return
  const many = failures.length === 1 ? '1 spare database' : `${failures.length} spare databases`
  const hint = {
    made: 'feedctl tenant spare shows how many are left like that; feedctl tenant spare --drop --yes drops them with all others',
    dropped: 'feedctl host list, then the same command again',
  }
  throw new Failure('PARTIAL', `${many} could not be ${deed}; ${first.database} on ${first.host}: ${first.message}`, {
    hint: hint[deed],
  })
}

export function logFailed(log: Log, failures: readonly SpareFailure[]): void {
  for (const { host, database, code, message } of failures)
    log.warn('a spare database could not be made', { host, database, code, why: message })
}
