import { Patience } from '../caches/index.js'
import { type Clock, steady } from '../kernel/clock.js'
import { isFailure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import { type DatabaseServer, TENANT_MIGRATIONS } from '../tenants/databases/index.js'
import type { Hosts } from '../tenants/hosts/hosts.js'
import type { Replicas } from '../tenants/hosts/replicas.js'
import type { Tenant } from '../tenants/tenant.js'
import type { ContentWatch } from './answers/watch.js'
import type { KnownTenants } from './known.js'

/** A replica that does not answer so long is left alone for a while. */
const REPLICA = { patienceMs: 500, awayMs: 2_000, what: 'the replica' }
/** When the catalog has said nothing for so long, nobody knows what of the tenants has changed. */
const UNHEARD_AT_MOST_MS = 10_000

export type ReadPlace = 'primary' | 'replica'

/** Reads the rows of one tenant, and changes nothing: it may be run twice. The catalog leads to the server where they are read. */
export type Reading<T> = (catalog: Catalog) => Promise<T>

export interface ReadParts {
  readonly catalog: Catalog
  /** Null where there are none. */
  readonly replicas: Replicas | null
  readonly known: KnownTenants
  readonly watch: Pick<ContentWatch, 'heardAt'>
  readonly now?: Clock
}

/**
 * Reads of tenants' rows, from a replica where that holds all that this process knows to have been changed of the tenant, and else from its host. A replica that
 * refuses, is silent or lacks something costs nobody an answer: the host is asked then.
 */
export class TenantReads {
  /** How many were answered, by place. */
  readonly counts: Record<ReadPlace, number> = { primary: 0, replica: 0 }
  private readonly patience = new WeakMap<DatabaseServer, Patience>()
  private readonly now: Clock

  constructor(private readonly parts: ReadParts) {
    this.now = parts.now ?? steady
  }

  async read<T>(tenant: Tenant, reading: Reading<T>): Promise<T> {
    const replica = this.replicaFor(tenant)
    if (replica !== null) {
      try {
        const read = await this.readFrom(replica, tenant, reading)
        this.counts.replica++
        return read
      } catch (error) {
        if (isAnswer(error)) throw error
      }
    }
    this.counts.primary++
    return reading(this.parts.catalog)
  }

  /** Null when the tenant is to be read from its host. */
  private replicaFor(tenant: Tenant): DatabaseServer | null {
    const { replicas, known, watch } = this.parts
    const found = replicas === null ? undefined : known.numbered(tenant.id)
    if (found === undefined || found.tenant.createdAt !== tenant.createdAt || !isCurrent(tenant)) return null
    const replica = replicas?.of(tenant.placement.host) ?? null
    if (replica === null || this.now() - watch.heardAt > UNHEARD_AT_MOST_MS) return null
    return replica.heldAt > found.changedBy ? replica.server : null
  }

  private readFrom<T>(server: DatabaseServer, tenant: Tenant, reading: Reading<T>): Promise<T> {
    const { catalog } = this.parts
    const patience = this.patience.get(server) ?? new Patience(REPLICA, () => {}, this.now)
    this.patience.set(server, patience)
    const { hosts } = catalog
    const serverOf: Hosts['serverOf'] = async name => (name === tenant.placement.host ? server : hosts.serverOf(name))
    const leading: Catalog = { ...catalog, hosts: Object.create(hosts, { serverOf: { value: serverOf } }) }
    return patience.ask(
      () => reading(leading),
      () => server.has(tenant.placement.database),
    )
  }
}

/** Its tables are brought up to date on its host only. */
function isCurrent(tenant: Tenant): boolean {
  return tenant.schemaVersion === TENANT_MIGRATIONS.at(-1)?.version
}

/** Whether it is about what is asked for, and not about the replica. */
function isAnswer(error: unknown): boolean {
  return isFailure(error) && !error.retry && error.code !== 'SCHEMA_MISSING' && error.code !== 'CONFIG_INVALID'
}
