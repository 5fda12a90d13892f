import type { Catalog } from '../../tenants/catalog.js'
import { unreadablePlacements } from '../../tenants/source-readers.js'
import { type Check, ok, type Verdict, warn } from '../check.js'
import { counted, some } from '../words.js'

const MANY_PERCENT = 20
/** Of fewer, a share says nothing. */
const FEW = 10

/** The schedule forgets daily what nobody reads, and nothing where one placement cannot be asked. */
const FORGOTTEN_WITHIN_MS = 2 * 86_400_000
const LOOK_MS = 4_000

export interface SourceTally {
  /** Those that are asked: neither retired nor merged into another. */
  readonly total: number
  readonly failing: number
}

export const sourcesFailing: Check = {
  id: 'sources.failing',
  run: async parts => {
    const catalog = await parts.catalog()
    return judgeSources(catalog === null ? { total: 0, failing: 0 } : await tallySources(catalog))
  },
}

export function judgeSources({ total, failing }: SourceTally): Verdict {
  const evidence = `${failing} of ${total} sources fail`
  const isMany = total >= FEW && failing * 100 > total * MANY_PERCENT
  return isMany ? warn(evidence, 'feedctl feed list <slug>; see whether this machine reaches them at all') : ok(evidence)
}

async function tallySources({ kysely }: Catalog): Promise<SourceTally> {
  const row = await kysely
    .selectFrom('sources')
    .where('retired_at', 'is', null)
    .where('merged_into', 'is', null)
    .select(eb => [
      eb.fn.countAll().as('total'),
      eb.fn.sum(eb.case().when('failure_count', '>', 0).then(1).else(0).end()).as('failing'),
    ])
    .executeTakeFirst()
  return { total: Number(row?.total ?? 0), failing: Number(row?.failing ?? 0) }
}

/** Sources that somebody stopped reading days ago, and that are there still, because nobody knows who else reads them. */
export const sourcesUnforgotten: Check = {
  id: 'sources.unforgotten',
  run: async parts => {
    const catalog = await parts.catalog()
    const waiting = catalog === null ? 0 : await countUnforgotten(catalog, Date.now())
    if (catalog === null || waiting === 0) return ok('no source waits to be forgotten')
    const { found, more } = await unreadablePlacements(catalog, LOOK_MS)
    const evidence = `${counted(waiting, 'source')} should have been looked at for days`
    if (found.length === 0)
      return warn(
        `${evidence}${more ? '; there was no time to look at all placements' : ''}`,
        'feedctl tenant delete --due --yes',
      )
    const places = some(found.map(({ place, why }) => `${place} (${why})`))
    return warn(`${evidence}: who reads them cannot be asked of ${places}`, 'bring these databases back, or delete their tenants')
  },
}

async function countUnforgotten({ kysely }: Catalog, now: number): Promise<number> {
  const row = await kysely
    .selectFrom('sources')
    .where('left_at', '<', now - FORGOTTEN_WITHIN_MS)
    .select(eb => eb.fn.countAll().as('total'))
    .executeTakeFirstOrThrow()
  return Number(row.total)
}
