import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import type { Config } from '../../kernel/config.js'
import { Log } from '../../kernel/log.js'
import { withRedis } from '../../redis/connection.js'
import { residentBytes } from '../api/processes.js'
import type { Place } from '../sync/place.js'
import { cpuBetween, greatest, type Usage, usageOf } from '../sync/usage.js'

const LOOK_EVERY_MS = 250

/** Processes of one kind. */
export interface Party {
  readonly name: string
  pids(): readonly number[]
}

/** What a kind of process has used; nulls where it cannot be known. */
export interface Account {
  readonly name: string
  /** Of all of them together. */
  readonly cpuS: number | null
  /** Most that all of them had resident together, as it was looked at. */
  readonly peakRssBytes: number | null
}

/** Follows processes from now on, until it is closed. */
export class Accounts {
  private readonly peaks = new Map<string, number | null>()
  private readonly before: ReadonlyMap<string, readonly Usage[]>
  private readonly timer: NodeJS.Timeout

  constructor(private readonly parties: readonly Party[]) {
    this.before = new Map(parties.map(party => [party.name, party.pids().map(usageOf)]))
    this.look()
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS)
  }

  close(): Account[] {
    clearInterval(this.timer)
    this.look()
    return this.parties.map(({ name, pids }) => ({
      name,
      cpuS: cpuBetween(this.before.get(name) ?? [], pids().map(usageOf)),
      peakRssBytes: this.peaks.get(name) ?? null,
    }))
  }

  private look(): void {
    for (const { name, pids } of this.parties)
      this.peaks.set(name, greatest([this.peaks.get(name) ?? null, residentBytes(pids())]))
  }
}

/** The servers that the settings lead to, where they are on this machine and tell their process. */
export async function serversOf(place: Place): Promise<Party[]> {
  const { config } = place
  const found: [string, number | null][] = []
  if (config.dbConnection === 'mysql' && isHere(config.dbSocket === null ? config.dbHost : 'localhost'))
    found.push(['database', await databasePid(place).catch(() => null)])
  if (config.queueConnection === 'redis') found.push(['redis', await redisPid(config).catch(() => null)])
  return found.flatMap(([name, pid]) => (pid === null ? [] : [{ name, pids: () => [pid] }]))
}

function databasePid(place: Place): Promise<number | null> {
  return place.withCatalog(async ({ kysely }) => {
    const { rows } = await sql<{ file: string }>`SELECT @@pid_file AS file`.execute(kysely)
    return pidIn(readFileSync(rows[0]?.file ?? '', 'utf8'))
  })
}

/** By the process whose number Redis tells, if there is one here that is a Redis. */
function redisPid(config: Config): Promise<number | null> {
  const log = new Log(() => {}, 'error')
  return withRedis(config, log, async redis => {
    const pid = pidIn(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1] ?? '')
    return pid !== null && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('redis') ? pid : null
  })
}

function pidIn(text: string): number | null {
  const pid = Number.parseInt(text.trim(), 10)
  return pid > 0 ? pid : null
}

function isHere(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)
}
