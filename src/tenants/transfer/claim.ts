import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { TenantId } from '../ids.js'

const RENEW_MS = 10_000

/** Keeps a creation that takes long from being taken for one that was left off. */
export class KeptClaim {
  private renewedAt = Date.now()

  private constructor(
    private readonly catalog: Catalog,
    private readonly tenantId: TenantId,
    private readonly holder: string,
  ) {}

  /** The claim that this process has just made on the tenant. @throws {Failure} TENANT_EXISTS when there is none */
  static async of(catalog: Catalog, tenantId: TenantId): Promise<KeptClaim> {
    const row = await catalog.kysely.selectFrom('tenants').select('claimed_by').where('id', '=', tenantId).executeTakeFirst()
    if (row === undefined || row.claimed_by === null) throw taken(tenantId)
    return new KeptClaim(catalog, tenantId, row.claimed_by)
  }

  /** Now and then, whenever there is something to write. @throws {Failure} TENANT_EXISTS when somebody else has it, or it was deleted */
  async keep(): Promise<void> {
    if (Date.now() < this.renewedAt + RENEW_MS) return
    this.renewedAt = Date.now()
    const kept = await this.catalog.kysely
      .updateTable('tenants')
      .set({ claimed_at: this.renewedAt })
      .where('id', '=', this.tenantId)
      .where('claimed_by', '=', this.holder)
      .where('state', '=', 'provisioning')
      .executeTakeFirst()
    if (kept.numUpdatedRows === 0n) throw taken(this.tenantId)
  }
}

function taken(tenantId: TenantId): Failure {
  return new Failure('TENANT_EXISTS', `tenant ${tenantId} was taken over or deleted meanwhile`, { hint: 'feedctl tenant list' })
}
