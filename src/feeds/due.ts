import type { Catalog } from '../tenants/catalog.js'
import { insertRows } from '../tenants/databases/index.js'
import { parseTenantId, type TenantId } from '../tenants/ids.js'
import { beginRun, closeRun } from './runs.js'
import { LONGEST_WAIT_MS } from './schedule.js'
import { type SendTenants, type SentTenants, sendTenants } from './send-tenants.js'

const PAGE = 1_000
/** Work that was begun longer ago, and has not ended, was abandoned: the tenant is due all the same. */
const ABANDONED_MS = 3_600_000
/** What waits for longer, or is under way for so much longer than it may be, may have been lost by the queue. */
const LOST_AFTER_MS = 5 * 60_000

export interface DueSyncs {
  /** Null when no tenant was due. */
  readonly runId: string | null
  /** Tenants that the run is for. */
  readonly due: number
  /** Tenants of earlier runs whose jobs the queue had lost. */
  readonly resent: number
  readonly quarantined: number
}

export interface DueOptions {
  /** Aborted between two pages: a later call goes on. */
  readonly signal: AbortSignal
  /** Deadline of one sync job of a tenant. */
  readonly jobTimeoutMs: number
  /** Epoch ms. */
  readonly now?: number
}

/** The tenants behind this one are next; `at` is its `next_sync_at`. */
interface Place {
  readonly at: number | null
  readonly id: number
}

/** Tenants that are due, and stand together in the index; from null on those of which nobody knows when they are. */
interface Stretch {
  readonly from: number | null
  readonly to: number
}

/** What earlier runs have waiting, or under way. */
interface Resent {
  readonly added: number
  readonly quarantined: number
}

/**
 * Begins a run over the tenants that have a due source, the longest due first, and that nobody works for already; without any there is no run.
 * What earlier such runs have waiting is enqueued again where the queue has lost it. Takes a thousand tenants into memory at a time; what a call that
 * fails half-way has begun, a later one goes on with.
 * @throws {Failure} UNAVAILABLE, REDIS_FULL; the signal's reason
 */
export async function startDueSyncs(
  catalog: Catalog,
  send: SendTenants,
  { signal, jobTimeoutMs, now = Date.now() }: DueOptions,
): Promise<DueSyncs> {
  const resent = await resendLost(catalog, send, { signal, jobTimeoutMs, now })
  let runId: string | null = null
  let due = 0
  let quarantined = resent.quarantined
  for await (const tenants of dueTenants(catalog, now)) {
    signal.throwIfAborted()
    runId ??= await beginRun(catalog, { scheduled: true }, now)
    const parts = tenants.map(id => ({ run_id: runId, tenant_id: id as number, state: 'queued' as const }))
    await insertRows(catalog.database, 'run_tenants', parts)
    const sent = await sendTenants(catalog, send, tenants)
    due += tenants.length
    quarantined += sent.quarantined.length
  }
  return { runId, due, resent: resent.added, quarantined }
}

/** In pages, each read when the one before is done with. */
async function* dueTenants(catalog: Catalog, now: number): AsyncGenerator<TenantId[]> {
  const stretches: readonly Stretch[] = [
    { from: null, to: 0 },
    { from: 0, to: now },
    // As `isDue` has it: a wrong clock named the time.
    { from: now + LONGEST_WAIT_MS + 1, to: Number.MAX_SAFE_INTEGER },
  ]
  for (const { from, to } of stretches) {
    for (let place: Place | undefined = { at: from, id: 0 }; place !== undefined; ) {
      const page: Place[] = await duePage(catalog, place, to, now)
      if (page.length > 0) yield page.map(tenant => parseTenantId(tenant.id))
      place = page.length === PAGE ? page.at(-1) : undefined
    }
  }
}

async function duePage(catalog: Catalog, { at, id }: Place, to: number, now: number): Promise<Place[]> {
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .select(['id', 'next_sync_at as at'])
    .where('state', '=', 'active')
    .where('paused_at', 'is', null)
    .where('move_id', 'is', null)
    .$if(at === null, query => query.where('next_sync_at', 'is', null).where('id', '>', id))
    .$if(at !== null, query =>
      query
        .where('next_sync_at', '>=', at)
        .where('next_sync_at', '<=', to)
        .where(eb => eb.or([eb('next_sync_at', '>', at), eb('id', '>', id)])),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('run_tenants')
            .innerJoin('runs', 'runs.id', 'run_tenants.run_id')
            .select('run_tenants.run_id')
            .whereRef('run_tenants.tenant_id', '=', 'tenants.id')
            .where('run_tenants.state', 'in', ['queued', 'running'])
            .where('runs.started_at', '>', now - ABANDONED_MS),
        ),
      ),
    )
    .orderBy('next_sync_at')
    .orderBy('id')
    .limit(PAGE)
    .execute()
  return rows
}

/** Runs that have nothing left to do are closed, so that each is looked through about once. */
async function resendLost(
  catalog: Catalog,
  send: SendTenants,
  { signal, jobTimeoutMs, now }: Required<DueOptions>,
): Promise<Resent> {
  const runs = await catalog.kysely
    .selectFrom('runs')
    .select(['id', 'started_at'])
    .where('started_at', '>', now - ABANDONED_MS)
    .where('started_at', '<=', now - LOST_AFTER_MS)
    .where('scheduled', '=', 1)
    .where('finished_at', 'is', null)
    .orderBy('started_at')
    .execute()
  const total = { added: 0, quarantined: 0 }
  for (const { id, started_at } of runs) {
    // Of what is under way only the run knows since when it may be.
    const states = started_at <= now - jobTimeoutMs - LOST_AFTER_MS ? ['queued', 'running'] : ['queued']
    const { sent, isBacklog } = await resendRun(catalog, send, { runId: id, states, signal })
    total.added += sent.added
    total.quarantined += sent.quarantined
    // The queue has what it should have, and much of it: what was lost behind that is found when its turn comes.
    if (isBacklog) break
  }
  return total
}

async function resendRun(
  catalog: Catalog,
  send: SendTenants,
  { runId, states, signal }: { readonly runId: string; readonly states: readonly string[]; readonly signal: AbortSignal },
): Promise<{ sent: Resent; isBacklog: boolean }> {
  const total = { added: 0, quarantined: 0 }
  for (let after = 0; ; ) {
    signal.throwIfAborted()
    const rows = await unendedParts(catalog, runId, after)
    const last = rows.at(-1)
    if (last === undefined) {
      if (after === 0) await closeRun(catalog, runId)
      return { sent: total, isBacklog: false }
    }
    const lost = rows.filter(row => states.includes(row.state)).map(row => parseTenantId(row.tenant_id))
    const sent: SentTenants = await sendTenants(catalog, send, lost)
    total.added += sent.added
    total.quarantined += sent.quarantined.length
    if (sent.added === 0) return { sent: total, isBacklog: rows.length === PAGE }
    after = last.tenant_id
  }
}

function unendedParts(catalog: Catalog, runId: string, after: number) {
  return catalog.kysely
    .selectFrom('run_tenants')
    .select(['tenant_id', 'state'])
    .where('run_id', '=', runId)
    .where('state', 'in', ['queued', 'running'])
    .where('tenant_id', '>', after)
    .orderBy('tenant_id')
    .limit(PAGE)
    .execute()
}
