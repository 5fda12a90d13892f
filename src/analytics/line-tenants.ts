import { isFailure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseSlug, type TenantId, type TenantSlug } from '../tenants/ids.js'
import { getActiveTenant } from '../tenants/tenant.js'
import { Unreadable } from './event.js'

/** Slugs that lines have named and that are kept in mind: beyond, they are looked up anew. */
const MOST_REMEMBERED = 100_000

/** Whose a line is. */
export interface LineTenant {
  /** As the line names it; null where it names none. */
  readonly slug: string | null
  /** Null for one whose events are refused. */
  readonly id: TenantId | null
  /** Why; null when they are not. */
  readonly refusal: string | null
  /** Whether the refusal was told already, which is enough. */
  isTold: boolean
}

/** The tenants that lines name, each looked up once. */
export class LineTenants {
  private readonly bySlug = new Map<string, LineTenant>()

  /** `only`: whose all lines are; null where each names its tenant. */
  constructor(
    private readonly catalog: Catalog,
    private readonly only: TenantSlug | null,
  ) {}

  /** Undefined for one that was not looked up yet. */
  known(event: unknown): LineTenant | undefined {
    if (event instanceof Unreadable) return refused(null, event.message)
    const slug = this.slugOf(event)
    if (slug === null) return refused(null, 'it names no tenant')
    if (this.only !== null && slug !== this.only) return refused(null, `it is of another tenant than ${this.only}`)
    return this.bySlug.get(slug)
  }

  /** @throws {Failure} UNAVAILABLE */
  async look(event: unknown): Promise<LineTenant> {
    const slug = this.slugOf(event) ?? ''
    const found = await this.find(slug)
    if (this.bySlug.size >= MOST_REMEMBERED) this.bySlug.clear()
    this.bySlug.set(slug, found)
    return found
  }

  private slugOf(event: unknown): string | null {
    if (typeof event !== 'object' || event === null || !('tenant' in event)) return this.only
    return typeof event.tenant === 'string' ? event.tenant : null
  }

  private async find(slug: string): Promise<LineTenant> {
    try {
      const { id } = await getActiveTenant(this.catalog, parseSlug(slug))
      return { slug, id, refusal: null, isTold: false }
    } catch (error) {
      if (isFailure(error, 'UNAVAILABLE') || !isFailure(error)) throw error
      return { ...refused(slug, error.message), isTold: false }
    }
  }
}

function refused(slug: string | null, refusal: string): LineTenant {
  return { slug, id: null, refusal, isTold: false }
}
