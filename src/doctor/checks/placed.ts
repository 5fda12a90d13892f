import type { Catalog } from '../../tenants/catalog.js'
import { forgetBegun, type UnplacedTenant, unplacedTenants } from '../../tenants/unplaced-tenants.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { counted, some } from '../words.js'

/** Tenants of which the catalog does not say where they live: no command sees them. Only those that were never opened are forgotten. */
export const tenantsPlaced: Check = {
  id: 'tenants.placed',
  run: async parts => {
    const catalog = await parts.catalog()
    return catalog === null ? ok('no catalog yet') : judgeUnplaced(await unplacedTenants(catalog, Date.now()))
  },
  mend: async parts => {
    const catalog = await parts.catalog()
    const begun = catalog === null ? [] : await begunIn(catalog)
    if (catalog === null || begun.length === 0) return null
    return {
      deed: `forget ${counted(begun.length, 'tenant')} that ${begun.length === 1 ? 'was' : 'were'} begun and never opened: ${namesOf(begun)}`,
      apply: async () => {
        const ids = begun.map(({ id }) => id)
        return `forgot ${counted(await forgetBegun(catalog, ids, Date.now()), 'tenant')} without a placement`
      },
    }
  },
}

function judgeUnplaced(found: readonly UnplacedTenant[]): Verdict {
  if (found.length === 0) return ok('the catalog says of every tenant where it lives')
  const begun = found.filter(({ isOnlyBegun }) => isOnlyBegun)
  const lost = found.filter(({ isOnlyBegun }) => !isOnlyBegun)
  const words = begun.length === 0 ? [] : [`begun and never opened: ${namesOf(begun)}`]
  if (lost.length === 0) return warn(`${counted(begun.length, 'tenant')} without a placement, ${words}`, 'feedctl doctor --fix')
  return fail(
    [`no command sees ${counted(lost.length, 'tenant')}, whose placement is not in the catalog: ${namesOf(lost)}`, ...words].join(
      '; ',
    ),
    'bring back the rows of placements, and of hosts, from a backup of the catalog',
  )
}

async function begunIn(catalog: Catalog): Promise<UnplacedTenant[]> {
  return (await unplacedTenants(catalog, Date.now())).filter(({ isOnlyBegun }) => isOnlyBegun)
}

function namesOf(found: readonly UnplacedTenant[]): string {
  return some(found.map(({ slug }) => slug))
}
