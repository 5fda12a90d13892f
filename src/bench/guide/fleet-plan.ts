import type { PlacementKind } from '../../tenants/databases/index.js'
import { parseSlug, type TenantSlug } from '../../tenants/ids.js'

/** The guide: 1,000 databases are in order for a short term; those beyond share tables. */
export const MOST_DEDICATED = 1_000
/** Of the tenants that a phase adds, those that get posts of their own. */
const SAMPLES = 20

export interface PlannedTenant {
  readonly slug: TenantSlug
  readonly name: string
  readonly placement: PlacementKind
}

/** The tenants from one number (of none before) up to another, in order. */
export function plannedTenants(from: number, to: number): PlannedTenant[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, n) => {
    const number = from + n + 1
    const slug = parseSlug(`t${String(number).padStart(6, '0')}`)
    return { slug, name: slug, placement: number <= MOST_DEDICATED ? 'dedicated' : 'shared' }
  })
}

/** Some of them, evenly spread: the first and the last, and where databases of their own end, both sides. */
export function samplesOf(planned: readonly PlannedTenant[]): PlannedTenant[] {
  const last = planned.length - 1
  const spread = Array.from({ length: SAMPLES }, (_, n) => Math.round((n * last) / (SAMPLES - 1)))
  const border = planned.findIndex(({ placement }) => placement === 'shared')
  const chosen = new Set([...spread, border - 1, border])
  return planned.filter((_, n) => chosen.has(n))
}
