import { Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { TenantSlug } from '../ids.js'

const TENANTS_PER_PAGE = 500

export interface ManyReport<Done> {
  readonly tenants: { readonly total: number; readonly done: number; readonly there: number; readonly failed: number }
  /** In the order they ended. */
  readonly moves: readonly Done[]
  readonly failures: readonly { readonly tenant: TenantSlug; readonly failure: Failure }[]
}

export interface ManyOptions {
  readonly concurrency: number
  readonly signal: AbortSignal
  readonly onEnd?: (ended: number, failed: number) => void
}

/** Does it for each of the tenants, several at a time; one's failure does not keep the others. None is begun after the signal aborts. */
export async function forTenants<Done extends { readonly outcome: string }>(
  slugs: AsyncIterable<TenantSlug> | Iterable<TenantSlug>,
  { concurrency, signal, onEnd }: ManyOptions,
  deed: (slug: TenantSlug) => Promise<Done>,
): Promise<ManyReport<Done>> {
  const moves: Done[] = []
  const failures: ManyReport<Done>['failures'][number][] = []
  const turns = turnsOf(slugs)
  const work = async () => {
    for (;;) {
      if (signal.aborted) return
      const { value: slug, done } = await turns.next()
      if (done) return
      try {
        moves.push(await deed(slug))
      } catch (error) {
        if (!isFailure(error)) throw error
        failures.push({ tenant: slug, failure: error })
      }
      onEnd?.(moves.length + failures.length, failures.length)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  const there = moves.filter(({ outcome }) => outcome === 'there').length
  const total = moves.length + failures.length
  return { tenants: { total, done: moves.length - there, there, failed: failures.length }, moves, failures }
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
