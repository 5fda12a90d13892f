import type { Updateable } from 'kysely'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { TenantsTable } from './databases/index.js'
import type { TenantId } from './ids.js'

/** The claim on a creation that takes long, kept from being taken for one that was left off. */
export class KeptClaim {
  constructor(
    private readonly catalog: Catalog,
    private readonly tenantId: TenantId,
    private readonly holder: string,
  ) {}

  /**
   * Before everything that is written: whoever was stopped for long may have lost it. `also` is written to the tenant's row with it.
   * @throws {Failure} TENANT_EXISTS when somebody else has it, or the tenant was deleted
   */
  async keep(also: Updateable<TenantsTable> = {}): Promise<void> {
    const kept = await this.catalog.kysely
      .updateTable('tenants')
      .set({ claimed_at: Date.now(), ...also })
      .where('id', '=', this.tenantId)
      .where('claimed_by', '=', this.holder)
      .where('state', '=', 'provisioning')
      .executeTakeFirst()
    if (kept.numUpdatedRows > 0n) return
    throw new Failure('TENANT_EXISTS', `tenant ${this.tenantId} was taken over or deleted meanwhile`, {
      hint: 'feedctl tenant list',
    })
  }
}
