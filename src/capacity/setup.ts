import type { Config } from '../kernel/config.js'
import { parseUrl } from '../kernel/parse-url.js'
import type { Catalog } from '../tenants/catalog.js'
import { readHosts } from '../tenants/hosts/rows.js'
import { machinesAtOnce } from '../tenants/served-hours.js'
import { readPlacements } from '../watch/placements.js'

const DAY_MS = 86_400_000

/** What an installation is made of, as far as phases differ in it. */
export interface Setup {
  readonly config: SetupSettings
  /** Whether the queue, cache and sessions are on a Redis of this machine; null without Redis. */
  readonly redisIsHere: boolean | null
  /** Hosts of tenants on other machines. */
  readonly remoteHosts: number
  readonly hasReplica: boolean
  /** Regions that hosts of tenants stand in; those that name none are none. */
  readonly regions: number
  readonly dedicatedTenants: number
  /** Machines whose API answered at the same time, in the last day at most. */
  readonly apiMachines: number
  /** Whether something keeps workers running; null where nobody can tell. */
  readonly hasWorkers: boolean | null
}

export type SetupSettings = Pick<
  Config,
  | 'dbConnection'
  | 'cacheDriver'
  | 'sessionDriver'
  | 'queueConnection'
  | 'filesystemDisk'
  | 'wasabiBucket'
  | 'wasabiUrl'
  | 'placement'
>

export type SetupConfig = SetupSettings &
  Pick<Config, 'dbHost' | 'dbSocket' | 'dbReadHost' | 'redisUrl' | 'redisHost' | 'redisClusterNodes'>

/** @param hasWorkers as in `Setup` */
export async function readSetup(
  catalog: Catalog | null,
  config: SetupConfig,
  hasWorkers: boolean | null,
  now: number,
): Promise<Setup> {
  const usesRedis = [config.queueConnection, config.cacheDriver, config.sessionDriver].includes('redis')
  const known = { config, redisIsHere: usesRedis ? redisIsHere(config) : null, hasWorkers }
  const isRemote = config.dbConnection === 'mysql' && config.dbSocket === null && !isHere(config.dbHost)
  const home = { remoteHosts: Number(isRemote), hasReplica: config.dbReadHost !== null }
  if (catalog === null) return { ...known, ...home, regions: 0, dedicatedTenants: 0, apiMachines: 0 }
  const [hosts, placements, apiMachines] = await Promise.all([
    readHosts(catalog.kysely),
    readPlacements(catalog),
    machinesAtOnce(catalog, now - DAY_MS, now),
  ])
  const others = hosts.filter(({ address, state }) => address !== null && state === 'open' && isRemoteAddress(address))
  const dedicated = placements.filter(({ kind }) => kind === 'dedicated').reduce((sum, { tenants }) => sum + tenants, 0)
  return {
    ...known,
    remoteHosts: home.remoteHosts + others.length,
    hasReplica: home.hasReplica || hosts.some(({ readAddress }) => readAddress !== null),
    regions: new Set(hosts.flatMap(({ region }) => region ?? [])).size,
    dedicatedTenants: dedicated,
    apiMachines,
  }
}

function redisIsHere({ redisUrl, redisHost, redisClusterNodes }: SetupConfig): boolean {
  if (redisClusterNodes.length > 0) return redisClusterNodes.every(isHereAddress)
  if (redisUrl === null) return isHere(redisHost)
  return isHere(parseUrl(redisUrl)?.hostname ?? '')
}

function isRemoteAddress(address: string): boolean {
  return !address.startsWith('/') && !isHereAddress(address)
}

function isHereAddress(address: string): boolean {
  return isHere(address.replace(/:\d+$/, ''))
}

function isHere(host: string): boolean {
  return host === '' || host === 'localhost' || /^127\./.test(host) || /^\[?::1\]?$/.test(host) || host.startsWith('/')
}
