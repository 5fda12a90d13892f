import { DEFAULT_HOST } from '../tenants/hosts/names.js'
import { PHASES, type Phase } from '../watch/phases.js'
import type { Setup } from './setup.js'
import { counted, grouped } from './words.js'

/** Databases of tenants that one server has at most, as the guide says; beyond it, tables that tenants share. */
const MOST_DATABASES = 1_000
/** Of the guide's phase Scale. */
const APP_SERVERS = 3
const COMPARED = ['QUEUE_CONNECTION', 'CACHE_DRIVER', 'SESSION_DRIVER'] as const

/** One thing to do, in the order it is to be done. */
export interface Step {
  readonly id: string
  /** A command, or settings as they stand in the env file. */
  readonly command: string
  readonly why: string
  /** Nothing tells whether it is done: somebody has to look. */
  readonly isByHand: boolean
}

interface PhaseStep {
  readonly id: string
  readonly phase: Phase
  /** Null where nothing tells. */
  readonly isDone: (setup: Setup) => boolean | null
  /** `into`: the phase that is made for. */
  readonly command: string | ((setup: Setup, into: Phase) => string)
  readonly why: string | ((setup: Setup) => string)
}

/** What the guide has done to come into a phase, by feedctl's commands, in order. */
const STEPS: readonly PhaseStep[] = [
  {
    id: 'redis-server',
    phase: 'growth',
    isDone: ({ redisIsHere }) => redisIsHere !== null,
    command: 'sudo apt install redis-server',
    why: 'one queue, cache and sessions for all processes',
  },
  {
    id: 'redis-settings',
    phase: 'growth',
    isDone: setup => driversOff(setup).length === 0,
    command: (setup, into) => {
      // In later phases it is a server of its own: its address is another step.
      const isNew = setup.redisIsHere === null && into === 'growth'
      return [...(isNew ? ['REDIS_URL=redis://127.0.0.1:6379'] : []), ...driversOff(setup)].join(' ')
    },
    why: 'settings of the env file; every process is started again with them',
  },
  {
    id: 'redis-safe',
    phase: 'growth',
    isDone: setup => driversOff(setup).length === 0,
    command: 'feedctl doctor --fix',
    why: 'Redis keeps the queue on disk, and throws no job away',
  },
  {
    id: 'workers',
    phase: 'growth',
    isDone: ({ hasWorkers }) => hasWorkers,
    command: 'sudo feedctl schedule install --run-as feedctl --yes',
    why: ({ hasWorkers }) =>
      `a supervisor that keeps as many workers as the queues need${hasWorkers === null ? '; Redis does not tell whether there is one' : ''}`,
  },
  {
    id: 'wasabi-settings',
    phase: 'growth',
    isDone: ({ config }) => config.filesystemDisk === 'wasabi',
    command: ({ config }) =>
      config.wasabiBucket === null
        ? 'FILESYSTEM_DISK=wasabi WASABI_BUCKET=... WASABI_REGION=... WASABI_ACCESS_KEY_ID=... WASABI_SECRET_ACCESS_KEY_FILE=...'
        : 'FILESYSTEM_DISK=wasabi',
    why: 'new media goes to the bucket, and not to the disk of the server',
  },
  {
    id: 'wasabi-migration',
    phase: 'growth',
    isDone: ({ config, hasMediaHere }) => config.filesystemDisk === 'wasabi' && not(hasMediaHere),
    command: 'feedctl media migrate-to-wasabi --all',
    why: 'the media that is there follows, verified; it can be rolled back',
  },
  {
    id: 'mysql',
    phase: 'scale',
    isDone: ({ config }) => config.dbConnection === 'mysql',
    command: 'feedctl tenant export SLUG --out SLUG.tenant.gz',
    why: 'several servers cannot share SQLite files: DB_CONNECTION=mysql, feedctl init, and there feedctl tenant import of each',
  },
  {
    id: 'render-scale',
    phase: 'scale',
    isDone: ({ apiMachines, remoteHosts }) => apiMachines > 1 && remoteHosts.length > 0,
    command: 'feedctl infra render --phase scale --out deploy-scale',
    why: 'load balancer, units, settings of the dedicated servers, monitoring, backups; deploy-scale/README.md says what goes where',
  },
  {
    id: 'database-host',
    phase: 'scale',
    isDone: ({ remoteHosts }) => remoteHosts.length > 0,
    command: 'feedctl host add db2 --address HOST:3306',
    why: 'a database server of its own',
  },
  {
    id: 'move-tenants',
    phase: 'scale',
    isDone: ({ remoteHosts, tenantsHere }) => remoteHosts.length > 0 && tenantsHere.length === 0,
    command: ({ remoteHosts, tenantsHere }) =>
      `feedctl tenant move --all-on ${tenantsHere[0]?.host ?? DEFAULT_HOST} --to ${remoteHosts[0] ?? 'db2'}`,
    why: ({ tenantsHere }) => {
      const tenants = tenantsHere.reduce((sum, each) => sum + each.tenants, 0)
      return `tenants move there while they are served${tenants === 0 ? '' : `; ${counted(tenants, 'tenant')} on this machine`}`
    },
  },
  {
    id: 'redis-dedicated',
    phase: 'scale',
    isDone: ({ redisIsHere }) => redisIsHere === false,
    command: 'REDIS_URL=redis://HOST:6379',
    why: 'one Redis for all app servers, on a server of its own',
  },
  {
    id: 'app-servers',
    phase: 'scale',
    isDone: ({ apiMachines }) => apiMachines >= APP_SERVERS,
    command: 'feedctl serve --workers auto --host ADDRESS',
    why: ({ apiMachines }) =>
      `on each of ${APP_SERVERS} app servers, at the address where the load balancer finds it; ${apiMachines === 0 ? 'none' : apiMachines} answered at once in the last day`,
  },
  {
    id: 'shared-placement',
    phase: 'scale',
    isDone: ({ config }) => config.placement === 'shared',
    command: 'FEEDCTL_PLACEMENT=shared',
    why: `new tenants share tables: a server is to have no more than ${grouped(MOST_DATABASES)} databases of tenants`,
  },
  {
    id: 'share-tables',
    phase: 'scale',
    isDone: ({ dedicatedTenants }) => dedicatedTenants <= MOST_DATABASES,
    command: 'feedctl tenant move SLUG... --to shared',
    why: ({ dedicatedTenants }) => `${grouped(dedicatedTenants)} tenants have a database of their own`,
  },
  {
    id: 'render-enterprise',
    phase: 'enterprise',
    isDone: () => null,
    command: 'feedctl infra render --phase enterprise --out deploy-enterprise',
    why: 'machines that come and go with the load, managed databases, several regions; deploy-enterprise/README.md says what goes where',
  },
  {
    id: 'replica',
    phase: 'enterprise',
    isDone: ({ hasReplica }) => hasReplica,
    command: 'feedctl host set default --read-address HOST:3306',
    why: 'the API reads from a replica',
  },
  {
    id: 'regions',
    phase: 'enterprise',
    isDone: ({ regions }) => regions > 1,
    command: 'feedctl host add NAME --address HOST:3306 --region REGION',
    why: 'tenants live where they are read: feedctl tenant create SLUG --region REGION',
  },
  {
    id: 'cdn',
    phase: 'enterprise',
    isDone: ({ config }) => config.wasabiUrl !== null,
    command: 'WASABI_URL=https://CDN',
    why: 'links to media lead to the content delivery network',
  },
]

/** What is not done yet of all that leads into the phase, in order. */
export function stepsInto(phase: Phase, setup: Setup): Step[] {
  const names = PHASES.map(({ name }) => name as Phase)
  const upTo = names.slice(0, names.indexOf(phase) + 1)
  const open = STEPS.filter(step => upTo.includes(step.phase) && step.isDone(setup) !== true)
  return open.map(({ id, command, why, isDone }) => ({
    id,
    command: typeof command === 'string' ? command : command(setup, phase),
    why: typeof why === 'string' ? why : why(setup),
    isByHand: isDone(setup) === null,
  }))
}

function not(known: boolean | null): boolean | null {
  return known === null ? null : !known
}

function driversOff({ config }: Setup): string[] {
  const drivers = [config.queueConnection, config.cacheDriver, config.sessionDriver]
  return COMPARED.filter((_, index) => drivers[index] !== 'redis').map(name => `${name}=redis`)
}
