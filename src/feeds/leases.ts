import { Batcher } from '../kernel/batcher.js'
import { holderIsGone, thisProcess } from '../kernel/holder.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { isDue } from './schedule.js'
import { dueAt, loadSources, type SourceRow } from './sources.js'

const LEASE_MS = 15_000
const HEARTBEAT_MS = 5_000

/** The run a check belongs to: what counts as checked already, and what is due. */
export interface CheckScope {
  readonly runId: string
  readonly startedAt: number
  /** Ask every source, due or not. */
  readonly forced: boolean
}

/**
 * - `settled`: nobody needs to ask: it was checked in this run or since its start (`checked`), or it is not due.
 * - `mine`: this process, and no other, asks it now; it must `release` it, or write what it decided.
 * - `theirs`: another process asks it now.
 * - `merged`: it turned out to be another source, which is to be asked instead.
 * - `missing`: the source is not in the catalog.
 */
export type Claim =
  | { kind: 'settled'; source: SourceRow; checked: boolean }
  | { kind: 'mine' | 'theirs'; source: SourceRow }
  | { kind: 'merged'; into: SourceId }
  | { kind: 'missing' }

/**
 * Who asks which source: leases in the catalog, claimed many at a time, kept alive while held. One whose holder has ended is up at once on
 * the same machine, and after 15 s elsewhere.
 */
export class SourceLeases {
  private readonly held = new Set<SourceId>()
  private heartbeat: NodeJS.Timeout | null = null
  private readonly token = thisProcess()
  private readonly claims: Batcher<{ id: SourceId; scope: CheckScope }, Claim>

  constructor(private readonly catalog: Catalog) {
    this.claims = new Batcher({ maxSize: 500, lingerMs: 2, run: entries => retry(() => this.claimBatch(entries), BRIEFLY) })
  }

  claim(id: SourceId, scope: CheckScope): Promise<Claim> {
    return this.claims.add({ id, scope })
  }

  /** The decision on the source is written, and the lease with it. */
  forget(id: SourceId): void {
    this.held.delete(id)
    if (this.held.size > 0 || this.heartbeat === null) return
    clearInterval(this.heartbeat)
    this.heartbeat = null
  }

  /** Gives a source back unasked. */
  async release(id: SourceId): Promise<void> {
    this.forget(id)
    await this.catalog.kysely
      .updateTable('sources')
      .set({ lease_token: null, lease_until: null })
      .where('id', '=', id)
      .where('lease_token', '=', this.token)
      .execute()
  }

  private async claimBatch(entries: readonly { id: SourceId; scope: CheckScope }[]): Promise<Claim[]> {
    const sources = await loadSources(this.catalog, [...new Set(entries.map(entry => entry.id))])
    const scopes = new Map(entries.map(entry => [entry.scope.runId, entry.scope]))
    const mine = new Set<SourceId>()
    for (const scope of scopes.values()) {
      const wanted = entries.filter(entry => {
        const source = sources.get(entry.id)
        return entry.scope.runId === scope.runId && source !== undefined && !mine.has(entry.id) && isWanted(source, scope)
      })
      const ids = [...new Set(wanted.map(entry => entry.id))]
      for (const id of await this.lease(ids, leftBehind(ids, sources), scope)) mine.add(id)
    }
    for (const id of mine) this.hold(id)
    const given = new Set<SourceId>()
    return entries.map(({ id, scope }) => {
      const source = sources.get(id)
      if (source === undefined) return { kind: 'missing' }
      if (source.merged_into !== null) return { kind: 'merged', into: parseSourceId(source.merged_into) }
      // Two jobs of this process may want it at once: one of them asks.
      if (mine.has(id) && !given.has(id)) {
        given.add(id)
        return { kind: 'mine', source }
      }
      return isWanted(source, scope)
        ? { kind: 'theirs', source }
        : { kind: 'settled', source, checked: wasChecked(source, scope) }
    })
  }

  /** The ones of these that are this process's now; leases with a token of `gone` count as free. Ids in order, so that two processes never lock each other out. */
  private async lease(ids: SourceId[], gone: readonly string[], scope: CheckScope): Promise<readonly SourceId[]> {
    if (ids.length === 0) return []
    const now = Date.now()
    ids.sort((a, b) => a - b)
    const leased = await this.catalog.kysely
      .updateTable('sources')
      .set({ lease_token: this.token, lease_until: now + LEASE_MS })
      .where('id', 'in', ids)
      .where(eb => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', now), eb('lease_token', 'in', ['', ...gone])]))
      .where(eb => eb.or([eb('checked_run', 'is', null), eb('checked_run', '<>', scope.runId)]))
      .where(eb => eb.or([eb('checked_at', 'is', null), eb('checked_at', '<', scope.startedAt)]))
      .executeTakeFirst()
    if (leased.numUpdatedRows === BigInt(ids.length)) return ids.filter(id => !this.held.has(id))
    const rows = await this.catalog.kysely
      .selectFrom('sources')
      .select('id')
      .where('id', 'in', ids)
      .where('lease_token', '=', this.token)
      .execute()
    const leasedNow = new Set(rows.map(row => row.id))
    return ids.filter(id => leasedNow.has(id) && !this.held.has(id))
  }

  private hold(id: SourceId): void {
    this.held.add(id)
    if (this.heartbeat !== null) return
    this.heartbeat = setInterval(() => void this.keepAlive(), HEARTBEAT_MS)
    this.heartbeat.unref()
  }

  private async keepAlive(): Promise<void> {
    // A beat that fails is no harm: at worst another process asks the same source once more.
    await this.catalog.kysely
      .updateTable('sources')
      .set({ lease_until: Date.now() + LEASE_MS })
      .where('id', 'in', [...this.held])
      .where('lease_token', '=', this.token)
      .execute()
      .catch(() => {})
  }
}

/** Tokens of processes that ended with these sources leased. */
function leftBehind(ids: readonly SourceId[], sources: ReadonlyMap<SourceId, SourceRow>): string[] {
  const tokens = new Set(ids.flatMap(id => sources.get(id)?.lease_token ?? []))
  return [...tokens].filter(holderIsGone)
}

function wasChecked(source: SourceRow, scope: CheckScope): boolean {
  return source.checked_run === scope.runId || (source.checked_at !== null && source.checked_at >= scope.startedAt)
}

function isWanted(source: SourceRow, scope: CheckScope): boolean {
  if (source.merged_into !== null || wasChecked(source, scope)) return false
  return scope.forced || (source.retired_at === null && isDue(dueAt(source), scope.startedAt))
}
