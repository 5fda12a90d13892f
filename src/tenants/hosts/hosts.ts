import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { newHolder } from '../../kernel/holder.js'
import type { CatalogSchema, DatabaseServer, OpenDatabase } from '../databases/index.js'
import { Lease, type LeaseTimes } from './leases.js'
import { DEFAULT_HOST } from './names.js'
import { openHost } from './opening.js'
import { type HostRow, noHost, readHosts } from './rows.js'

/** After this the rows of the catalog are looked at again. */
const ROWS_KEPT_MS = 10_000
/** The same for a process that uses no host but the catalog's: only a budget that was set meanwhile can be news. */
const HOME_KEPT_MS = 60_000
const RETIRED_MS = 60_000

/** A host that this process has opened. */
export interface OpenedHost {
  readonly name: string
  readonly server: DatabaseServer
}

/** The database hosts that tenants are placed on, each behind one bounded set of connections, opened when it is first needed. */
export interface Hosts {
  /** Tenants that one shared database is filled with. */
  readonly tenantsPerShared: number
  /** The server of the named host. @throws {Failure} HOST_NOT_FOUND, CONFIG_INVALID, UNAVAILABLE */
  serverOf(name: string): Promise<DatabaseServer>
  /** The host as the catalog has it, or had it some seconds ago. @throws {Failure} HOST_NOT_FOUND, UNAVAILABLE */
  rowOf(name: string): Promise<HostRow>
  /** Takes the connections of the catalog's host that this process may have. @throws {Failure} UNAVAILABLE */
  begin(): Promise<void>
  /** Those that are open in this process, `default` first. */
  opened(): readonly OpenedHost[]
  /** Closes those that were opened here; not that of the catalog. Twice is calm. */
  close(): Promise<void>
}

export interface HostsGround {
  readonly config: Config
  /** The server of the catalog, which is the host `default`. */
  readonly home: DatabaseServer
  readonly database: OpenDatabase<CatalogSchema>
  /** The same, for what waits for no other statements. */
  readonly urgent: OpenDatabase<CatalogSchema>
  readonly leaseTimes?: Partial<LeaseTimes>
  /** What is under way on a server whose address was changed may end within this. */
  readonly retiredMs?: number
}

interface Opened {
  /** What it was opened by; another makes another server. */
  readonly key: string
  readonly opening: Promise<DatabaseServer>
  server: DatabaseServer | null
}

export function openHosts(ground: HostsGround): Hosts {
  return new HostRegistry(ground)
}

class HostRegistry implements Hosts {
  private rows: ReadonlyMap<string, HostRow> = new Map()
  private readAt = Number.NEGATIVE_INFINITY
  private reading: Promise<void> | null = null
  private readonly servers = new Map<string, Opened>()
  private readonly retired = new Map<DatabaseServer, NodeJS.Timeout>()
  private readonly leases = new Map<DatabaseServer, Lease>()
  private closed = false

  constructor(private readonly ground: HostsGround) {}

  get tenantsPerShared(): number {
    return this.ground.config.sharedTenants
  }

  async serverOf(name: string): Promise<DatabaseServer> {
    if (name === DEFAULT_HOST) {
      if (performance.now() - this.readAt > HOME_KEPT_MS) this.read().catch(() => {})
      return this.ground.home
    }
    if (this.closed) throw new Failure('UNAVAILABLE', `the database host ${name} was closed`)
    const row = await this.rowOf(name)
    const key = JSON.stringify([row.address, row.username])
    const known = this.servers.get(name)
    if (known?.key === key) return known.opening
    if (known !== undefined) this.retire(name, known)
    return this.open(row, key)
  }

  async rowOf(name: string): Promise<HostRow> {
    const known = this.rows.get(name)
    const isOld = performance.now() - this.readAt > ROWS_KEPT_MS
    if (known === undefined) await this.read()
    // What is known does while the catalog is away; a change may take effect a moment later.
    else if (isOld) this.read().catch(() => {})
    const row = this.rows.get(name)
    if (row === undefined) throw noHost(name)
    return row
  }

  async begin(): Promise<void> {
    await this.read()
    const row = this.rows.get(DEFAULT_HOST)
    if (row === undefined || row.maxConnections === null) this.ground.home.connections?.bound(this.ground.config.dbPool)
    else await this.lease(this.ground.home, row)
  }

  opened(): readonly OpenedHost[] {
    const others = [...this.servers].flatMap(([name, { server }]) => (server === null ? [] : [{ name, server }]))
    return [{ name: DEFAULT_HOST, server: this.ground.home }, ...others]
  }

  async close(): Promise<void> {
    this.closed = true
    const servers = [...this.servers.values()]
    this.servers.clear()
    const retired = [...this.retired]
    this.retired.clear()
    for (const [, timer] of retired) clearTimeout(timer)
    const opened = await Promise.all(servers.map(({ opening }) => opening.catch(() => null)))
    await Promise.all([...opened, ...retired.map(([server]) => server)].map(server => server?.close()))
    // What is closed is given up; of the catalog's own host all but what it takes to say so.
    if (this.leases.has(this.ground.home)) this.ground.home.connections?.bound(1)
    const leases = [...this.leases.values()]
    this.leases.clear()
    await Promise.all(leases.map(lease => lease.close()))
  }

  private read(): Promise<void> {
    this.reading ??= readHosts(this.ground.database.kysely)
      .then(rows => {
        this.rows = new Map(rows.map(row => [row.name, row]))
        this.readAt = performance.now()
        for (const { name, server } of this.opened()) this.heedBudget(name, server)
      })
      .finally(() => {
        this.reading = null
      })
    return this.reading
  }

  private open(row: HostRow, key: string): Promise<DatabaseServer> {
    if (row.address === null) throw new Failure('CONFIG_INVALID', `the database host ${row.name} has no address`)
    const opened: Opened = { key, opening: this.openLeased(row, row.address), server: null }
    this.servers.set(row.name, opened)
    opened.opening.then(
      server => {
        opened.server = server
      },
      () => {
        if (this.servers.get(row.name) === opened) this.servers.delete(row.name)
      },
    )
    return opened.opening
  }

  private async openLeased(row: HostRow, address: string): Promise<DatabaseServer> {
    const server = await openHost(this.ground.config, row, address)
    if (row.maxConnections !== null) {
      await this.lease(server, row).catch(async error => {
        await server.close()
        throw error
      })
    }
    return server
  }

  /** A budget that was set while the server was open. */
  private heedBudget(name: string, server: DatabaseServer): void {
    const row = this.rows.get(name)
    if (row === undefined || row.maxConnections === null || this.leases.get(server)?.isKept === true) return
    this.lease(server, row).catch(() => {})
  }

  private async lease(server: DatabaseServer, { id, name }: HostRow): Promise<void> {
    if (server.connections === null) return
    const known = this.leases.get(server)
    if (known !== undefined) return known.begin()
    const { config, urgent, leaseTimes = {} } = this.ground
    const lease = new Lease({
      kysely: urgent.kysely,
      hostId: id,
      holder: newHolder(),
      connections: server.connections,
      most: config.dbPool,
      least: name === DEFAULT_HOST ? 1 : 0,
      times: leaseTimes,
    })
    this.leases.set(server, lease)
    await lease.begin().catch(error => {
      this.leases.delete(server)
      throw error
    })
  }

  private retire(name: string, { opening }: Opened): void {
    this.servers.delete(name)
    const { retiredMs = RETIRED_MS } = this.ground
    opening.then(
      server => {
        const timer = setTimeout(() => this.closeRetired(server).catch(() => {}), retiredMs)
        this.retired.set(server, timer.unref())
      },
      () => {},
    )
  }

  /** Its connections are its successor's, and others', as soon as they are closed. */
  private async closeRetired(server: DatabaseServer): Promise<void> {
    this.retired.delete(server)
    const lease = this.leases.get(server)
    this.leases.delete(server)
    await server.close().catch(() => {})
    await lease?.close()
  }
}
