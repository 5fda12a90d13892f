import type { FailureCode } from '../../kernel/errors.js'
import type { Outcome } from './migrate-placement.js'
import type { Migratable } from './placements.js'
import type { Standing } from './standing.js'

/** Databases that a report names one by one; the others are in its counts and in the run's rows. */
const MOST_NAMED = 1_000

export interface MigratedPlacement {
  readonly host: string
  readonly database: string
  /** The one whose own it is; null for a shared one, and for a spare. */
  readonly tenant: string | null
  /** Whose rows are in it. */
  readonly tenants: number
  readonly from: number
  readonly to: number
  readonly durationMs: number
  /** Null when it went well. */
  readonly code: FailureCode | null
  readonly message: string | null
}

export interface MigrationCounts {
  readonly total: number
  readonly migrated: number
  /** Before the run. */
  readonly upToDate: number
  readonly failed: number
  readonly notTried: number
  /** A later feedctl migrated them. */
  readonly ahead: number
}

/** Why a run did not try everything: one of its canaries failed, too many of the others, or a signal said so. */
export type Stop = 'canary' | 'failures' | 'signal'

export interface MigrationReport {
  /** Null when there was nothing to do. */
  readonly runId: string | null
  readonly resumed: boolean
  readonly to: number
  readonly tenants: MigrationCounts
  readonly databases: MigrationCounts
  /** In the order in which they ended; at most 1,000. */
  readonly placements: readonly MigratedPlacement[]
  /** The failed among them, also those that `placements` has no room for; at most 1,000. */
  readonly failures: readonly MigratedPlacement[]
  readonly waves: number
  /** Null when everything was tried. */
  readonly stopped: Stop | null
  readonly durationMs: number
}

/** What a run has done so far. */
export class MigrationTally {
  waves = 0
  stopped: Stop | null = null
  private readonly placements: MigratedPlacement[] = []
  private readonly failures: MigratedPlacement[] = []
  private readonly sums = { databases: { migrated: 0, failed: 0, gone: 0 }, tenants: { migrated: 0, failed: 0, gone: 0 } }

  constructor(
    private readonly before: Standing,
    private readonly run: { readonly id: string | null; readonly resumed: boolean },
    /** When all of it began, by `performance.now()`. */
    private readonly begun: number,
  ) {}

  get failed(): number {
    return this.sums.databases.failed
  }

  get tried(): number {
    const { migrated, failed } = this.sums.databases
    return migrated + failed
  }

  add(placement: Migratable, { kind, fault, ms }: Outcome): void {
    if (kind === 'interrupted') return
    this.sums.databases[kind]++
    this.sums.tenants[kind] += placement.tenants
    if (kind === 'gone') return
    const row = {
      host: placement.host,
      database: placement.database,
      tenant: placement.tenant,
      tenants: placement.tenants,
      from: placement.schemaVersion,
      to: fault === null ? this.before.latest : placement.schemaVersion,
      durationMs: ms,
      code: fault?.code ?? null,
      message: fault?.message ?? null,
    }
    if (this.placements.length < MOST_NAMED) this.placements.push(row)
    if (fault !== null && this.failures.length < MOST_NAMED) this.failures.push(row)
  }

  report(): MigrationReport {
    return {
      runId: this.run.id,
      resumed: this.run.resumed,
      to: this.before.latest,
      tenants: this.countsOf('tenants'),
      databases: this.countsOf('databases'),
      placements: this.placements,
      failures: this.failures,
      waves: this.waves,
      stopped: this.stopped,
      durationMs: Math.round(performance.now() - this.begun),
    }
  }

  private countsOf(what: 'tenants' | 'databases'): MigrationCounts {
    const { total, behind, current, ahead } = this.before[what]
    const { migrated, failed, gone } = this.sums[what]
    const notTried = Math.max(0, behind - migrated - failed - gone)
    return { total: total - gone, migrated, upToDate: current, failed, notTried, ahead }
  }
}
