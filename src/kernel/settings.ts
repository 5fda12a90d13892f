import { z } from 'zod'
import { faultInCron } from './cron-pattern.js'

const MEBIBYTE = 1024 * 1024

/** One setting: its environment name, how its text is read, its default, one line for the operator. */
interface Setting<T> {
  readonly env: string
  readonly schema: z.ZodType<T>
  readonly default: T
  readonly doc: string
  /** Never shown: `feedctl config` prints `***`, and `<env>_FILE` may name a file that holds it. */
  readonly secret?: true
}

function setting<T>(env: string, schema: z.ZodType<T>, fallback: NoInfer<T>, doc: string): Setting<T> {
  return { env, schema, default: fallback, doc }
}

function secret(env: string, doc: string, schema: z.ZodType<string | null> = text): Setting<string | null> {
  return { env, schema, default: null, doc, secret: true }
}

const text: z.ZodType<string | null> = z.string().min(1)
const words: z.ZodType<string> = z.string().min(1)
const path: z.ZodType<string> = z.string().min(1)
const list: z.ZodType<readonly string[]> = z.string().transform(value =>
  value
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== ''),
)
const driver = <const T extends readonly [string, ...string[]]>(...names: T): z.ZodType<T[number]> => z.enum(names)
const whole = (min: number, max: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d+$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `is below ${min}`).max(max, `is above ${max}`))
const orNull = <T>(schema: z.ZodType<T>): z.ZodType<T | null> => schema
const prefix: z.ZodType<string> = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,15}$/, 'is not 1 to 16 of a-z, 0-9 and _, starting with a letter')
const database: z.ZodType<string> = z.string().regex(/^[A-Za-z0-9_]{1,48}$/, 'is not 1 to 48 letters, digits and _')
const cron: z.ZodType<string> = z.string().superRefine((value, context) => {
  const fault = faultInCron(value)
  if (fault !== null) context.addIssue({ code: 'custom', message: fault })
})
const listen: z.ZodType<string> = z
  .string()
  .regex(/^([\w.-]+:|\[[0-9a-fA-F:]+\]:)?\d{1,5}$/, 'is not a port or host:port')
  .refine(value => Number(/\d+$/.exec(value)) <= 65_535, 'has no port up to 65535')
/** Pages are no media, whatever is asked for: one that is kept is one that may be shown. */
export const PAGE_TYPES: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml'])
const mediaTypes: z.ZodType<readonly string[]> = list
  .refine(
    types => types.every(type => /^(image|audio|video|none|[a-z]+\/[a-z0-9.+-]+)$/.test(type)),
    'is not a comma list of image, audio, video, MIME types or none',
  )
  .refine(types => !types.some(type => PAGE_TYPES.has(type)), 'names pages, which are never stored')
  .transform(types => (types.includes('none') ? [] : types))
const mediaPrefix: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/, 'is not words of letters, digits, - and _, joined by /')
  .max(100, 'is longer than 100')
const mediaKey: z.ZodType<string | null> = z.string().min(16, 'has fewer than 16 characters')
const decimal: z.ZodType<number> = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'is not a number')
  .transform(Number)
const webAddress: z.ZodType<string | null> = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' })
const webhook: z.ZodType<string | null> = z.string().refine(isWebhook, 'is not an http(s) URL')

/** Every setting feedctl reads. The reader, `feedctl config` and the README's table are made from it. */
export const SETTINGS = {
  dbConnection: setting(
    'DB_CONNECTION',
    driver('sqlite', 'mysql'),
    'sqlite',
    'where tenants live: SQLite files or MySQL/MariaDB',
  ),
  dbHost: setting('DB_HOST', words, '127.0.0.1', 'MySQL host'),
  dbPort: setting('DB_PORT', whole(1, 65535), 3306, 'MySQL port'),
  dbSocket: setting('DB_SOCKET', text, null, 'MySQL unix socket; wins over host and port'),
  dbDatabase: setting('DB_DATABASE', database, 'feedctl', 'name of the catalog database'),
  dbUsername: setting('DB_USERNAME', words, 'feedctl', 'MySQL user'),
  dbPassword: secret('DB_PASSWORD', 'MySQL password'),
  dbReadHost: setting('DB_READ_HOST', text, null, 'read replica; accepted, not used by this version'),
  redisUrl: secret('REDIS_URL', 'redis://, rediss:// or unix path of Redis; wins over REDIS_HOST'),
  redisHost: setting('REDIS_HOST', words, '127.0.0.1', 'Redis host'),
  redisPort: setting('REDIS_PORT', whole(1, 65535), 6379, 'Redis port'),
  redisPassword: secret('REDIS_PASSWORD', 'Redis password'),
  redisClusterNodes: setting(
    'REDIS_CLUSTER_NODES',
    list,
    [],
    'comma list of host:port of a Redis Cluster; wins over REDIS_URL and REDIS_HOST',
  ),
  cacheDriver: setting('CACHE_DRIVER', driver('memory', 'redis'), 'memory', 'where parsed documents are shared'),
  sessionDriver: setting(
    'SESSION_DRIVER',
    driver('memory', 'redis'),
    'memory',
    'where sessions live; accepted, not used by this version',
  ),
  queueConnection: setting(
    'QUEUE_CONNECTION',
    driver('sync', 'redis'),
    'sync',
    'run jobs in this process, or by `feedctl queue work`',
  ),
  filesystemDisk: setting('FILESYSTEM_DISK', driver('local', 'wasabi'), 'local', 'where new media is stored'),
  wasabiAccessKeyId: setting('WASABI_ACCESS_KEY_ID', text, null, 'Wasabi (S3) access key'),
  wasabiSecretAccessKey: secret('WASABI_SECRET_ACCESS_KEY', 'Wasabi (S3) secret key'),
  wasabiRegion: setting('WASABI_REGION', words, 'us-east-1', 'Wasabi region; gives the endpoint where none is set'),
  wasabiBucket: setting('WASABI_BUCKET', text, null, 'Wasabi bucket'),
  wasabiEndpoint: setting('WASABI_ENDPOINT', webAddress, null, 'S3 endpoint; s3.<region>.wasabisys.com when not set'),
  wasabiUrl: setting('WASABI_URL', webAddress, null, 'CDN base of public links; links are signed and short-lived when not set'),
  mediaTypes: setting(
    'FEEDCTL_MEDIA_TYPES',
    mediaTypes,
    ['image'],
    'what sync stores of posts: comma list of image, audio, video or MIME types as application/pdf; none for nothing',
  ),
  mediaMaxBytes: setting(
    'FEEDCTL_MEDIA_MAX_BYTES',
    whole(1024, 5120 * MEBIBYTE),
    10 * MEBIBYTE,
    'largest media file that sync stores, bytes',
  ),
  mediaPerPost: setting('FEEDCTL_MEDIA_PER_POST', whole(0, 1000), 10, 'media files that sync stores of one post'),
  mediaPrefix: setting('FEEDCTL_MEDIA_PREFIX', mediaPrefix, 'media', 'start of every object key in the bucket'),
  mediaMultipartMb: setting('FEEDCTL_MEDIA_MULTIPART_MB', whole(5, 5120), 64, 'size from which files are uploaded in parts, MiB'),
  mediaPartMb: setting('FEEDCTL_MEDIA_PART_MB', whole(5, 512), 16, 'size of such a part, MiB'),
  mediaKey: secret('FEEDCTL_MEDIA_KEY', 'key that signs manifests and links to local files; 16 characters or more', mediaKey),
  wasabiUsdPerTb: setting('FEEDCTL_WASABI_USD_PER_TB', decimal, 6.99, 'price of a stored TB per month, USD'),
  wasabiMinTb: setting('FEEDCTL_WASABI_MIN_TB', decimal, 1, 'TB that are billed at least'),
  wasabiMinDays: setting('FEEDCTL_WASABI_MIN_DAYS', whole(0, 3650), 90, 'days that an object is billed at least'),
  data: setting('FEEDCTL_DATA', path, './storage', 'folder of the embedded files'),
  fetchAllow: setting(
    'FEEDCTL_FETCH_ALLOW',
    list,
    [],
    'comma list of CIDRs or hosts exempt from the private-address and port guards',
  ),
  fetchConcurrency: setting('FEEDCTL_FETCH_CONCURRENCY', whole(1, 1000), 64, 'requests in flight per process'),
  fetchPerHost: setting('FEEDCTL_FETCH_PER_HOST', whole(1, 1000), 8, 'requests in flight per host, over all processes'),
  fetchHostRate: setting(
    'FEEDCTL_FETCH_HOST_RATE',
    orNull(whole(1, 10_000)),
    null,
    'requests per second per host, over all processes; 20 when not set, and no bound for hosts of FEEDCTL_FETCH_ALLOW',
  ),
  fetchProxy: secret('FEEDCTL_FETCH_PROXY', 'http(s):// proxy of feed requests; proxies of the environment are ignored'),
  fetchTimeoutMs: setting(
    'FEEDCTL_FETCH_TIMEOUT_MS',
    whole(100, 600_000),
    20_000,
    'total time of one fetch, redirects included, ms',
  ),
  fetchMaxBytes: setting(
    'FEEDCTL_FETCH_MAX_BYTES',
    whole(1024, 256 * MEBIBYTE),
    10 * MEBIBYTE,
    'largest document after decompression, bytes',
  ),
  fetchMaxRedirects: setting('FEEDCTL_FETCH_MAX_REDIRECTS', whole(0, 20), 5, 'redirects followed'),
  userAgent: setting('FEEDCTL_USER_AGENT', words, 'feedctl/0.1 (feed service)', 'how feedctl names itself to publishers'),
  contactUrl: setting('FEEDCTL_CONTACT_URL', webAddress, null, 'page that tells publishers who asks; added to the user agent'),
  outagePatienceS: setting(
    'FEEDCTL_OUTAGE_PATIENCE_S',
    whole(0, 3600),
    60,
    'how long a run waits when the network here seems down, seconds',
  ),
  maxFeeds: setting('FEEDCTL_MAX_FEEDS', whole(1, 1_000_000), 10_000, 'feeds a tenant may have'),
  keepDays: setting('FEEDCTL_KEEP_DAYS', whole(0, 36_500), 0, 'age at which posts are pruned, days; 0 keeps them'),
  keepPosts: setting('FEEDCTL_KEEP_POSTS', whole(0, 10_000_000), 0, 'newest posts of a feed that pruning leaves; 0 keeps all'),
  dbPool: setting('FEEDCTL_DB_POOL', whole(1, 200), 8, 'connections per database host and process'),
  openFiles: setting('FEEDCTL_OPEN_FILES', whole(4, 10_000), 40, 'SQLite files kept open per process'),
  databasePrefix: setting('FEEDCTL_DATABASE_PREFIX', prefix, 'tenant_', 'start of the names of tenant databases'),
  placement: setting('FEEDCTL_PLACEMENT', driver('dedicated', 'shared'), 'dedicated', 'placement of new tenants that name none'),
  redisPrefix: setting('FEEDCTL_REDIS_PREFIX', prefix, 'feedctl', 'start of every Redis key'),
  parseThreads: setting(
    'FEEDCTL_PARSE_THREADS',
    whole(0, 64),
    0,
    'parser threads; 0 is one per core for `sync`, one for `queue work`',
  ),
  cacheBytes: setting(
    'FEEDCTL_CACHE_BYTES',
    whole(1024, 4096 * MEBIBYTE),
    48 * MEBIBYTE,
    'bound of the memory cache, bytes; at most 4 MiB of it in front of Redis',
  ),
  documentTtlS: setting(
    'FEEDCTL_DOCUMENT_TTL_S',
    whole(1, 2_592_000),
    86_400,
    'how long a parsed document stays shared, seconds',
  ),
  drainMs: setting('FEEDCTL_DRAIN_MS', whole(0, 600_000), 25_000, 'how long a stopping worker may finish what it has begun, ms'),
  jobTimeoutS: setting('FEEDCTL_JOB_TIMEOUT_S', whole(10, 86_400), 900, 'deadline of one job, seconds'),
  quarantineAfter: setting(
    'FEEDCTL_QUARANTINE_AFTER',
    whole(1, 100),
    5,
    'workers that may die of a job before it is put in quarantine',
  ),
  syncChunk: setting(
    'FEEDCTL_SYNC_CHUNK',
    whole(10, 1_000_000),
    200,
    'feeds of one tenant that a job syncs before the other tenants get their turn',
  ),
  syncEveryS: setting(
    'FEEDCTL_SYNC_EVERY_S',
    whole(10, 86_400),
    60,
    'how often the scheduler looks for tenants with due sources, seconds',
  ),
  pruneAt: setting(
    'FEEDCTL_PRUNE_AT',
    cron,
    '30 3 * * *',
    'cron pattern (UTC) of the daily pruning of posts and removal of deleted tenants',
  ),
  workersMemoryMb: setting(
    'FEEDCTL_WORKERS_MEMORY_MB',
    orNull(whole(64, 1_048_576)),
    null,
    'memory the workers of a supervisor may take together, MB; three quarters of the machine when not set',
  ),
  dbConnections: setting(
    'FEEDCTL_DB_CONNECTIONS',
    orNull(whole(1, 100_000)),
    null,
    'MySQL connections the workers of a supervisor may take together; four fifths of max_connections when not set',
  ),
  metricsListen: setting(
    'FEEDCTL_METRICS_LISTEN',
    orNull(listen),
    null,
    'port, or host:port, where the supervisor serves /metrics; 127.0.0.1 when only a port is named',
  ),
  alertWebhook: secret('FEEDCTL_ALERT_WEBHOOK', 'http(s) URL that alerts are posted to as JSON', webhook),
  alertWaitS: setting(
    'FEEDCTL_ALERT_WAIT_S',
    whole(0, 604_800),
    900,
    'oldest wait in a queue that is an alert, seconds; 0 never',
  ),
  alertFailuresPercent: setting(
    'FEEDCTL_ALERT_FAILURES_PERCENT',
    whole(0, 100),
    25,
    'share of failed jobs in the last minutes that is an alert, percent; 0 never',
  ),
  alertNoSyncS: setting(
    'FEEDCTL_ALERT_NO_SYNC_S',
    whole(0, 604_800),
    3600,
    'time without any successful sync that is an alert, seconds; 0 never',
  ),
  alertRepeatS: setting(
    'FEEDCTL_ALERT_REPEAT_S',
    whole(60, 604_800),
    14_400,
    'how often an alert that stands is repeated, seconds',
  ),
  logLevel: setting(
    'FEEDCTL_LOG_LEVEL',
    driver('debug', 'info', 'warn', 'error'),
    'warn',
    'least severe log line written to stderr',
  ),
} as const

export type SettingKey = keyof typeof SETTINGS

/** The settings as values, frozen. Durations in ms, sizes in bytes, as their names say. */
export type Config = { readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer V> ? V : never }

/** Its name and password, if it has them, can be read as well. */
function isWebhook(value: string): boolean {
  try {
    const { protocol, username, password } = new URL(value)
    decodeURIComponent(username + password)
    return /^https?:$/.test(protocol)
  } catch {
    return false
  }
}
