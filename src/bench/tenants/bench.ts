import { openApp } from '../../app.js'
import type { Config, Environment } from '../../kernel/config.js'
import { Log } from '../../kernel/log.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import { Place } from '../sync/place.js'
import type { Row } from '../sync/rows.js'
import type { Watcher } from '../sync/watcher.js'
import { detach, makeInTurns, makeTenants, migrateNothing, readTenants, signUp, wanted } from './deeds.js'
import type { TenantsLoad } from './load.js'
import { rowsOf, type TenantsRound } from './rows.js'

export interface TenantsBenchOptions {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: TenantsLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}

export interface TenantsBenchResult {
  readonly scenario: 'tenants'
  readonly machine: Machine
  /** `connections`: over which databases are made; null on SQLite. */
  readonly settings: TenantsLoad & { readonly connections: number | null }
  readonly rows: readonly Row[]
  /** The scalability model of scenarios that have one. */
  readonly model: null
}

/**
 * Measures how fast tenants are made, beside bare statements that make the same databases, and what the catalog answers when there are many; in databases and
 * under keys of its own. Nobody consumes the jobs that it adds.
 * @throws {Failure} CONFIG_INVALID, UNAVAILABLE, PARTIAL; the signal's reason
 */
export async function benchTenants(options: TenantsBenchOptions): Promise<TenantsBenchResult> {
  const { operator, load, watcher, signal } = options
  try {
    const rounds: TenantsRound[] = []
    while (rounds.length < load.repeat) {
      if (load.repeat > 1) watcher.note(`round ${rounds.length + 1} of ${load.repeat}`)
      rounds.push(await measure(options))
      signal.throwIfAborted()
    }
    const rows = rowsOf(load, rounds)
    const connections = operator.dbConnection === 'mysql' ? operator.dbPool : null
    return { scenario: 'tenants', machine: describeMachine(operator), settings: { ...load, connections }, rows, model: null }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

async function measure({ operator, env, load, watcher, signal }: TenantsBenchOptions): Promise<TenantsRound> {
  const note = (line: string) => watcher.note(line)
  await using place = await Place.choose({ operator, env, fetchPerHost: null, keep: false, note })
  await place.prepare()
  const log = new Log(note, 'error')
  await using app = await openApp(place.config, log)
  const { catalog } = app
  const prefix = place.config.databasePrefix
  const progress = watcher.progress('databases')
  const rows = watcher.progress('tenants in shared tables')
  progress.start(load.dedicated)
  try {
    const made = await makeInTurns(catalog, prefix, load.dedicated, { signal, progress: done => progress.update(done) })
    progress.stop()
    const migrateNothingMs = await migrateNothing(catalog, signal)
    const signUps = await signUp(catalog, prefix, load.signUps, signal)
    rows.start(load.shared)
    const all = wanted('shared', { from: 0, count: load.shared })
    const sharedMs = await makeTenants(catalog, prefix, all, { signal, progress: done => rows.update(done) })
    rows.stop()
    const reads = await readTenants(catalog, load.shared)
    const hasQueue = operator.queueConnection === 'redis'
    return { made, migrateNothingMs, signUps, sharedMs, reads, detached: hasQueue ? await detach(app, signal) : null }
  } finally {
    progress.stop()
    rows.stop()
  }
}
