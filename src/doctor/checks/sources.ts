import type { Catalog } from '../../tenants/catalog.js'
import { type Check, ok, type Verdict, warn } from '../check.js'

const MANY_PERCENT = 20
/** Of fewer, a share says nothing. */
const FEW = 10

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
