import type { Kysely, KyselyPlugin } from 'kysely'
import { Failure } from '../kernel/errors.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import { type Admission, admitTransaction, isHeldOff, WRITER } from './admission.js'
import type { Catalog } from './catalog.js'
import type { OpenDatabase, TenantSchema } from './databases/index.js'
import type { Tenant } from './tenant.js'
import { TenantRows } from './tenant-rows.js'
import { TenantWriter } from './tenant-writer.js'
import { bringUpToDate } from './upgrade.js'

export interface TablesWish {
  /** When it aborts, no further statement is made, and a transaction that has not been committed is rolled back: the deed rejects with its reason. */
  readonly signal?: AbortSignal | null
  /** Who the transactions are for; its writers when nothing else is said. */
  readonly admission?: Admission
}

/**
 * Runs the deed on the tables of one tenant, which are brought up to date first when an earlier feedctl made them. The handle is valid
 * until the deed ends and reaches no other tenant's rows. When the signal aborts no further statement is made, and a transaction that has not
 * been committed is rolled back: the deed rejects with the signal's reason.
 */
export function withTenant<T>(
  catalog: Catalog,
  tenant: Pick<Tenant, 'id' | 'placement' | 'schemaVersion'>,
  deed: (tables: TenantTables) => Promise<T>,
  signal: AbortSignal | null = null,
): Promise<T> {
  return withTablesOf(catalog, tenant, { signal }, deed)
}

/** As `withTenant`, for those who are not the tenant's writers: `fence.ts` names them. */
export async function withTablesOf<T>(
  catalog: Catalog,
  tenant: Pick<Tenant, 'id' | 'placement' | 'schemaVersion'>,
  { signal = null, admission = WRITER }: TablesWish,
  deed: (tables: TenantTables) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  await bringUpToDate(catalog, tenant)
  const server = await catalog.hosts.serverOf(tenant.placement.host)
  return server.use<TenantSchema, T>(tenant.placement.database, database => {
    const executor = signal === null ? database.kysely : database.kysely.withPlugin(heeding(signal))
    return deed(new TenantTables(database, executor, tenant.id, { signal, admission }))
  })
}

/** Stops before the first statement after the signal has aborted, and after the one that was under way. */
function heeding(signal: AbortSignal): KyselyPlugin {
  return {
    transformQuery({ node }) {
      signal.throwIfAborted()
      return node
    },
    async transformResult({ result }) {
      signal.throwIfAborted()
      return result
    },
  }
}

/** The tables of one tenant, wherever they are. They are read here, and written by the handle that a transaction gives. */
export class TenantTables extends TenantRows {
  constructor(
    database: OpenDatabase<TenantSchema>,
    executor: Kysely<TenantSchema>,
    tenantId: Tenant['id'],
    private readonly wish: Required<TablesWish>,
  ) {
    super(database, executor, tenantId)
  }

  /**
   * All or nothing, begun anew when another writer's locks got in its way. The deed must wait for nothing but these tables.
   * @throws {Failure} TENANT_MOVING while a move holds writers off, TENANT_MOVED when the tenant does not live here (any more): nothing is written
   */
  transaction<T>(deed: (tx: TenantWriter) => Promise<T>): Promise<T> {
    const { signal, admission } = this.wish
    const attempt = () =>
      this.executor.transaction().execute(async transaction => {
        await admitTransaction(transaction, this.dialect, this.tenantId, admission)
        return deed(new TenantWriter(this.database, transaction, this.tenantId))
      })
    return retry(attempt, { ...BRIEFLY, worthRetrying, ...(signal === null ? {} : { signal }) })
  }
}

/** A move takes longer than locks do, and what has moved does not come back. */
function worthRetrying(error: unknown): boolean {
  return error instanceof Failure && error.retry && !isHeldOff(error)
}
