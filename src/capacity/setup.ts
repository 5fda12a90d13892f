import type { Config } from '../kernel/config.js'
import { parseUrl } from '../kernel/parse-url.js'
import type { Catalog } from '../tenants/catalog.js'
import { DEFAULT_HOST } from '../tenants/hosts/names.js'
import { readHosts } from '../tenants/hosts/rows.js'
import { machinesAtOnce } from '../tenants/served-hours.js'
import { type PlacementStanding, readPlacements } from '../watch/placements.js'
import { hasMediaHere } from './media-here.js'

const DAY_MS = 86_400_000

/** What an installation is made of, as far as phases differ in it. */
export interface Setup {
  readonly config: SetupSettings
  /** Whether the queue, cache and sessions are on a Redis of this machine; null without Redis. */
  readonly redisIsHere: boolean | null
  /** Names of the open hosts of tenants that are on other machines. */
  readonly remoteHosts: readonly string[]
  /** Names of hosts on this machine that tenants live on, most of them first, and of how many. */
  readonly tenantsHere: readonly Pick<PlacementStanding, 'host' | 'tenants'>[]
  readonly hasReplica: boolean
  /** Regions that hosts of tenants stand in; those that name none are none. */
  readonly regions: number
  readonly dedicatedTenants: number
  /** Whether media is stored on the local disk only; null where not all of it could be looked at. */
  readonly hasMediaHere: boolean | null
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
  const home = { remoteHosts: isRemote ? [DEFAULT_HOST] : [], hasReplica: config.dbReadHost !== null }
  if (catalog === null)
    return { ...known, ...home, tenantsHere: [], regions: 0, dedicatedTenants: 0, hasMediaHere: false, apiMachines: 0 }
  const [hosts, placements, mediaHere, apiMachines] = await Promise.all([
    readHosts(catalog.kysely),
    readPlacements(catalog),
    config.filesystemDisk === 'wasabi' ? hasMediaHere(catalog) : null,
    machinesAtOnce(catalog, now - DAY_MS, now),
  ])
  const others = hosts.filter(({ address }) => address !== null && isRemoteAddress(address))
  const away = [...home.remoteHosts, ...others.map(({ name }) => name)]
  const dedicated = placements.filter(({ kind }) => kind === 'dedicated').reduce((sum, { tenants }) => sum + tenants, 0)
  return {
    ...known,
    remoteHosts: [...others.filter(({ state }) => state === 'open').map(({ name }) => name), ...home.remoteHosts],
    tenantsHere: placements.filter(({ host }) => !away.includes(host)),
    hasReplica: home.hasReplica || hosts.some(({ readAddress }) => readAddress !== null),
    regions: new Set(hosts.flatMap(({ region }) => region ?? [])).size,
    dedicatedTenants: dedicated,
    hasMediaHere: mediaHere,
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
