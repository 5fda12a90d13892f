import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, steady } from '../../kernel/clock.js'
import type { Config } from '../../kernel/config.js'
import { Failure, wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { Catalog } from '../catalog.js'
import type { DatabaseServer } from '../databases/index.js'
import { DEFAULT_HOST } from './names.js'
import { openHost } from './opening.js'
import { ReplicaWatch } from './replica-watch.js'

const LOOK_EVERY_MS = 1_000
/** A look that takes longer is given up. */
const LOOK_MS = 3_000
const CLOSE_MS = 500
/** A replica that nobody wanted to read for so long is not looked at. */
const WANTED_MS = 60_000
/** What nobody is told of, as what a writer stored that was killed before it could tell, may be missing for so long. */
const BEHIND_AT_MOST_MS = 10_000

/** A replica that can be read, and up to when it holds everything, by the steady clock. */
export interface ReadableReplica {
  readonly server: DatabaseServer
  readonly heldAt: number
}

/** The address where reads of the host may go; null for none. @throws {Failure} HOST_NOT_FOUND, UNAVAILABLE */
export async function readAddressOf(catalog: Pick<Catalog, 'hosts'>, config: Config, host: string): Promise<string | null> {
  if (config.dbConnection === 'sqlite') return null
  if (host === DEFAULT_HOST && config.dbReadHost !== null) return config.dbReadHost
  return (await catalog.hosts.rowOf(host)).readAddress
}

/** A replica of the host at the address, as the host's user, with as many connections. The one who opens it closes it. @throws {Failure} CONFIG_INVALID, HOST_INVALID, UNAVAILABLE */
export async function openReplica(
  catalog: Pick<Catalog, 'hosts'>,
  config: Config,
  host: string,
  address: string,
): Promise<DatabaseServer> {
  const { username } = await catalog.hosts.rowOf(host)
  return openHost(config, { name: host, username: host === DEFAULT_HOST ? null : username }, address)
}

/** A replica of one host. */
interface Opened {
  readonly address: string
  readonly primary: DatabaseServer
  readonly server: DatabaseServer
  readonly watch: ReplicaWatch
}

interface Wanted {
  wantedAt: number
  opened: Opened | null
  looking: Promise<void> | null
  /** Why it is not read; null when it is. Not known before the first look. */
  why: string | null | undefined
}

/** The replicas of the hosts whose tenants are read in this process, looked at once a second while they are. */
export class Replicas {
  private readonly hosts = new Map<string, Wanted>()
  private readonly end = new AbortController()
  private readonly looking: Promise<void>

  constructor(
    private readonly catalog: Catalog,
    private readonly config: Config,
    private readonly log: Log,
    private readonly now: Clock = steady,
    private readonly everyMs = LOOK_EVERY_MS,
  ) {
    this.looking = this.run()
  }

  /** Null where the host has none, or none that may be read now. Never waits: of a host that is asked for the first time nothing is known yet. */
  of(host: string): ReadableReplica | null {
    const wanted = this.hosts.get(host)
    if (wanted === undefined) {
      this.want(host)
      return null
    }
    wanted.wantedAt = this.now()
    const heldAt = wanted.opened?.watch.heldAt ?? null
    if (wanted.opened === null || heldAt === null || this.now() - heldAt > BEHIND_AT_MOST_MS) return null
    return { server: wanted.opened.server, heldAt }
  }

  /** How far those that there are may be behind, ms; null for one of which nothing is known. */
  behind(): { readonly host: string; readonly ms: number | null }[] {
    return [...this.hosts].flatMap(([host, { opened }]) => {
      if (opened === null) return []
      const { heldAt } = opened.watch
      return [{ host, ms: heldAt === null ? null : this.now() - heldAt }]
    })
  }

  async close(): Promise<void> {
    this.end.abort()
    // A server that is silent must not hold up the end.
    await Promise.race([this.looking, pause(CLOSE_MS, null, { ref: false })])
    await Promise.all([...this.hosts.values()].map(({ opened }) => opened?.server.close()))
    this.hosts.clear()
  }

  private want(host: string): void {
    const wanted: Wanted = { wantedAt: this.now(), opened: null, looking: null, why: undefined }
    this.hosts.set(host, wanted)
    void this.lookAt(host, wanted)
  }

  private async run(): Promise<void> {
    while (!this.end.signal.aborted) {
      await pause(this.everyMs * (0.9 + 0.2 * Math.random()), null, { signal: this.end.signal, ref: false }).catch(() => {})
      if (this.end.signal.aborted) return
      for (const [host, wanted] of this.hosts) {
        if (this.now() - wanted.wantedAt < WANTED_MS) void this.lookAt(host, wanted)
      }
    }
  }

  /** One look at a time; never throws. */
  private lookAt(host: string, wanted: Wanted): Promise<void> {
    wanted.looking ??= this.looked(host, wanted).finally(() => {
      wanted.looking = null
    })
    return wanted.looking
  }

  private async looked(host: string, wanted: Wanted): Promise<void> {
    try {
      await inTime(this.refreshed(host, wanted))
      this.tell(host, wanted, wanted.opened === null ? null : this.whyNot(wanted.opened.watch))
    } catch (error) {
      this.tell(host, wanted, wordsOf(error))
    }
  }

  private async refreshed(host: string, wanted: Wanted): Promise<void> {
    const address = await readAddressOf(this.catalog, this.config, host)
    const primary = await this.catalog.hosts.serverOf(host)
    const { opened } = wanted
    if (opened !== null && (opened.address !== address || opened.primary !== primary)) {
      wanted.opened = null
      await opened.server.close()
    }
    if (address === null || this.end.signal.aborted) return
    wanted.opened ??= await this.open(host, address, primary)
    await wanted.opened.watch.look()
  }

  private async open(host: string, address: string, primary: DatabaseServer): Promise<Opened> {
    const replica = await openReplica(this.catalog, this.config, host, address)
    return {
      address,
      primary,
      server: replica,
      watch: new ReplicaWatch({ primary, replica, database: this.catalog.name }, this.now),
    }
  }

  private whyNot({ heldAt }: ReplicaWatch): string | null {
    if (heldAt === null) return 'it has not caught up'
    const ms = this.now() - heldAt
    return ms > BEHIND_AT_MOST_MS ? `it is ${Math.round(ms / 1000)} s behind` : null
  }

  private tell(host: string, wanted: Wanted, why: string | null): void {
    const { why: before } = wanted
    // At first it may be opened a moment before it is seen to be there.
    wanted.why = why
    if (this.end.signal.aborted) return
    if (why !== null && (before === null || before === undefined)) {
      this.log.warn('a replica is not read for now: its host is', { host, why })
    }
    if (why === null && typeof before === 'string') this.log.info('a replica is read again', { host })
  }
}

/** @throws {Failure} UNAVAILABLE when the time is over; the look may go on unseen */
async function inTime(look: Promise<void>): Promise<void> {
  const over = new AbortController()
  const late = pause(LOOK_MS, null, { signal: over.signal, ref: false }).then(() => {
    throw new Failure('UNAVAILABLE', `no answer in ${LOOK_MS / 1000} s`)
  })
  try {
    await Promise.race([look, late])
  } finally {
    over.abort()
    late.catch(() => {})
    look.catch(() => {})
  }
}
