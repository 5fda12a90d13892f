import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config, Environment } from '../../kernel/config.js'
import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import { Log } from '../../kernel/log.js'
import { SETTINGS, type SettingKey } from '../../kernel/settings.js'
import { eraseKeys, greetRedis } from '../../queues/index.js'
import { withRedis } from '../../redis/connection.js'
import { type Catalog, catalogName, initCatalog, openCatalog } from '../../tenants/catalog.js'
import { type CatalogSchema, type DatabaseServer, openServer } from '../../tenants/databases/index.js'
import { parseDatabaseName } from '../../tenants/ids.js'
import type { ChildPlace } from './child.js'

/** Where the benchmark's feeds are: the only place its syncs may ask besides the public network. */
const LOOPBACK = '127.0.0.0/8'

export interface PlaceOptions {
  readonly operator: Config
  readonly env: Environment
  /** Requests in flight per host; null for the operator's own setting. */
  readonly fetchPerHost: number | null
  /** Leaves everything where it is, and says where. */
  readonly keep: boolean
  readonly note: (line: string) => void
}

/** Databases, files and keys of one repetition, beside the operator's and under names that nothing else has. Disposing removes them. */
export class Place implements ChildPlace, AsyncDisposable {
  private ownsDatabases = false
  private readonly log = new Log(line => this.options.note(line), 'error')

  private constructor(
    /** The operator's settings with names of the benchmark's own. */
    readonly config: Config,
    readonly folder: string,
    readonly env: Readonly<Record<string, string>>,
    private readonly options: Pick<PlaceOptions, 'keep' | 'note'>,
  ) {}

  /** Makes nothing yet but an empty folder. */
  static async choose(options: PlaceOptions): Promise<Place> {
    const name = `bench${randomBytes(4).toString('hex')}`
    const folder = await mkdtemp(join(tmpdir(), 'feedctl-bench-'))
    const config: Config = {
      ...options.operator,
      data: join(folder, 'storage'),
      dbDatabase: `feedctl_${name.replace('bench', 'bench_')}`,
      databasePrefix: `${name}_`,
      redisPrefix: name,
      mediaPrefix: `feedctl-${name}`,
      fetchAllow: [LOOPBACK],
      // What is measured is feeds.
      mediaTypes: [],
      fetchPerHost: options.fetchPerHost ?? options.operator.fetchPerHost,
    }
    return new Place(
      config,
      folder,
      { ...withoutSettings(options.env), ...asEnvironment(config), [SETTINGS.mediaTypes.env]: 'none' },
      options,
    )
  }

  /** Makes the catalog. @throws {Failure} UNAVAILABLE, DATABASE_TAKEN when the name is in use after all: nothing of it is touched */
  async prepare(): Promise<void> {
    if (this.usesRedis) await withRedis(this.config, this.log, greetRedis)
    await this.withServer(async server => {
      const name = catalogName(this.config)
      if (await server.has(name)) throw new Failure('DATABASE_TAKEN', `the database ${name} exists`, { hint: 'run it again' })
      this.ownsDatabases = true
      await (await initCatalog(server, this.config)).catalog.hosts.close()
    })
  }

  /** The catalog for the length of a deed: between deeds this process has none of the databases open. */
  withCatalog<T>(deed: (catalog: Catalog) => Promise<T>): Promise<T> {
    return this.withServer(async server => {
      const catalog = await openCatalog(server, this.config)
      try {
        return await deed(catalog)
      } finally {
        await catalog.hosts.close()
      }
    })
  }

  /** Never throws: what could not be removed is noted. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.options.keep) return this.options.note(`kept: ${this.describe()}`)
    if (this.ownsDatabases && this.config.dbConnection === 'mysql') await this.removing('databases', () => this.dropDatabases())
    if (this.usesRedis)
      await this.removing('keys', () => withRedis(this.config, this.log, redis => eraseKeys(redis, this.config.redisPrefix)))
    await this.removing('folder', () => rm(this.folder, { recursive: true, force: true, maxRetries: 3 }))
  }

  private get usesRedis(): boolean {
    return this.config.cacheDriver === 'redis' || this.config.queueConnection === 'redis'
  }

  private describe(): string {
    const { dbConnection, dbDatabase, databasePrefix, redisPrefix } = this.config
    const databases = dbConnection === 'mysql' ? `, databases ${dbDatabase} and ${databasePrefix}*` : ''
    return `${this.folder}${databases}${this.usesRedis ? `, Redis keys ${redisPrefix}:* and {${redisPrefix}}:*` : ''}`
  }

  private async removing(what: string, deed: () => Promise<unknown>): Promise<void> {
    try {
      await deed()
    } catch (error) {
      this.options.note(`could not remove the ${what} of the benchmark (${wordsOf(error)}): ${this.describe()}`)
    }
  }

  private dropDatabases(): Promise<void> {
    return this.withServer(async server => {
      const catalog = catalogName(this.config)
      const listed = await server
        .use<CatalogSchema, { database_name: string }[]>(catalog, ({ kysely }) =>
          kysely.selectFrom('placements').select('database_name').execute(),
        )
        .catch(error => (isFailure(error, 'SCHEMA_MISSING') ? [] : Promise.reject(error)))
      const ours = listed.map(row => row.database_name).filter(name => name.startsWith(this.config.databasePrefix))
      await Promise.all(ours.map(name => server.drop(parseDatabaseName(name))))
      // Last, as it names the others: what fails before leaves the list to those who look.
      await server.drop(catalog)
    })
  }

  private async withServer<T>(deed: (server: DatabaseServer) => Promise<T>): Promise<T> {
    const server = await openServer(this.config)
    try {
      return await deed(server)
    } finally {
      await server.close()
    }
  }
}

/** The settings as a child reads them, secrets included. */
function asEnvironment(config: Config): Record<string, string> {
  return Object.fromEntries(
    (Object.keys(SETTINGS) as SettingKey[]).flatMap(key => {
      const value = config[key]
      return value === null ? [] : [[SETTINGS[key].env, String(value)]]
    }),
  )
}

/** The rest of the environment: paths, locale, what steers Node. */
function withoutSettings(env: Environment): Record<string, string> {
  const ours = new Set(Object.values(SETTINGS).flatMap(({ env: name }) => [name, `${name}_FILE`]))
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => !ours.has(entry[0]) && entry[1] !== undefined),
  )
}
