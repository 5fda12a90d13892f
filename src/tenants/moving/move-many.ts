import { Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { TenantSlug } from '../ids.js'

const TENANTS_PER_PAGE = 500

/** Tenants that a report names, and failures likewise. */
const MOST_NAMED = 1_000

export interface ManyReport<Done> {
  readonly tenants: { readonly total: number; readonly done: number; readonly there: number; readonly failed: number }
  /** In the order they ended; the first thousand: `tenants` counts them all. */
  readonly moves: readonly Done[]
  /** The first thousand likewise. */
  readonly failures: readonly { readonly tenant: TenantSlug; readonly failure: Failure }[]
}

export interface ManyOptions {
  readonly concurrency: number
  readonly signal: AbortSignal
  readonly onEnd?: (ended: number, failed: number) => void
}

/**
 * Does it for each of the tenants, several at a time; one's failure does not keep the others. None is begun after the signal aborts, nor after an error that is
 * no Failure: that is thrown when those that were begun have ended.
 */
export async function forTenants<Done extends { readonly outcome: string }>(
  slugs: AsyncIterable<TenantSlug> | Iterable<TenantSlug>,
  { concurrency, signal, onEnd }: ManyOptions,
  deed: (slug: TenantSlug) => Promise<Done>,
): Promise<ManyReport<Done>> {
  const moves: Done[] = []
  const failures: ManyReport<Done>['failures'][number][] = []
  const tenants = { total: 0, done: 0, there: 0, failed: 0 }
  const turns = turnsOf(slugs)
  const bugs: unknown[] = []
  const work = async () => {
    while (!signal.aborted && bugs.length === 0) {
      try {
        const { value: slug, done } = await turns.next()
        if (done) return
        const failure = await attempt(slug)
        if (failure !== null && failures.length < MOST_NAMED) failures.push({ tenant: slug, failure })
      } catch (error) {
        bugs.push(error)
        return
      }
      tenants.total++
      onEnd?.(tenants.total, tenants.failed)
    }
  }
  const attempt = async (slug: TenantSlug): Promise<Failure | null> => {
    try {
      const end = await deed(slug)
      tenants[end.outcome === 'there' ? 'there' : 'done']++
      if (moves.length < MOST_NAMED) moves.push(end)
      return null
    } catch (error) {
      if (!isFailure(error)) throw error
      tenants.failed++
      return error
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  if (bugs.length > 0) throw bugs[0]
  return { tenants, moves, failures }
}

async function* turnsOf<T>(all: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void> {
  yield* all
}

/** Slugs of the tenants that live on a host, by number; those that come while it is read may be among them. @throws {Failure} HOST_NOT_FOUND */
export async function* tenantsOnHost(catalog: Catalog, host: string): AsyncGenerator<TenantSlug, void> {
  const hostId = await hostNumber(catalog, host)
  for (let after = 0; ; ) {
    const page = await onHost(catalog, hostId)
      .select(['tenants.id', 'tenants.slug'])
      .where('tenants.id', '>', after)
      .orderBy('tenants.id')
      .limit(TENANTS_PER_PAGE)
      .execute()
    for (const row of page) yield row.slug as TenantSlug
    const last = page.at(-1)
    if (last === undefined) return
    after = last.id
  }
}

/** Slugs of the tenants of which an old copy lies on a host, by number. @throws {Failure} HOST_NOT_FOUND */
export async function* tenantsWithCopyOn(catalog: Catalog, host: string): AsyncGenerator<TenantSlug, void> {
  const hostId = await hostNumber(catalog, host)
  for (let after = 0; ; ) {
    const page = await copiesOn(catalog, hostId)
      .select(['tenants.id', 'tenants.slug'])
      .distinct()
      .where('tenants.id', '>', after)
      .orderBy('tenants.id')
      .limit(TENANTS_PER_PAGE)
      .execute()
    for (const row of page) yield row.slug as TenantSlug
    const last = page.at(-1)
    if (last === undefined) return
    after = last.id
  }
}

export async function countWithCopyOn(catalog: Catalog, host: string): Promise<number> {
  const row = await copiesOn(catalog, await hostNumber(catalog, host))
    .select(eb => eb.fn.count<number>('tenants.id').distinct().as('tenants'))
    .executeTakeFirstOrThrow()
  return Number(row.tenants)
}

function copiesOn(catalog: Catalog, hostId: number) {
  return catalog.kysely
    .selectFrom('moves')
    .innerJoin('placements', 'placements.id', 'moves.from_placement_id')
    .innerJoin('tenants', 'tenants.id', 'moves.tenant_id')
    .where('moves.state', 'in', ['switched', 'finishing'])
    .where('placements.host_id', '=', hostId)
}

export async function countOnHost(catalog: Catalog, host: string): Promise<number> {
  const row = await onHost(catalog, await hostNumber(catalog, host))
    .select(eb => eb.fn.countAll<number>().as('tenants'))
    .executeTakeFirstOrThrow()
  return Number(row.tenants)
}

function onHost(catalog: Catalog, hostId: number) {
  return catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .where('placements.host_id', '=', hostId)
    .where('tenants.state', 'in', ['active', 'suspended'])
}

async function hostNumber(catalog: Catalog, name: string): Promise<number> {
  const row = await catalog.kysely.selectFrom('hosts').select('id').where('name', '=', name).executeTakeFirst()
  if (row !== undefined) return row.id
  throw new Failure('HOST_NOT_FOUND', `there is no database host ${name}`, { hint: 'feedctl host list' })
}
