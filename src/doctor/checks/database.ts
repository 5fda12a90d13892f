import { access, constants, mkdtemp, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isFailure, wordsOf } from '../../kernel/errors.js'
import { initCatalog } from '../../tenants/catalog.js'
import { CATALOG_VERSION, type CatalogState } from '../catalog-state.js'
import { type Check, fail, ok, onMysql, type Verdict, warn } from '../check.js'
import type { MysqlFacts } from '../mysql-facts.js'
import { nearestFolder } from '../nearest-folder.js'

const BUSY_SHARE = 0.8

export const databaseReachable: Check = {
  id: 'database.reachable',
  blind: 'fail',
  run: async parts => {
    const { config } = parts
    try {
      if (!onMysql(config)) return await lookAtFiles(join(config.data, 'databases'))
      const { version } = await parts.mysql()
      return ok(`${version} at ${config.dbSocket ?? `${config.dbHost}:${config.dbPort}`}`)
    } catch (error) {
      return fail(wordsOf(error), isFailure(error) ? error.hint : null)
    }
  },
}

export const databaseSchema: Check = {
  id: 'database.schema',
  blind: 'fail',
  run: async parts => judgeSchema(await parts.catalogState(), parts.config),
  mend: async parts => {
    const { kind } = await parts.catalogState()
    if (kind !== 'missing' && kind !== 'behind') return null
    return {
      deed: `${kind === 'missing' ? 'create' : 'upgrade'} the catalog ${parts.config.dbDatabase}`,
      apply: async () => {
        const { report } = await initCatalog(await parts.server(), parts.config)
        return `catalog ${report.database}: ${report.created ? 'created' : 'upgraded'}, schema ${report.schemaVersion}`
      },
    }
  },
}

/** On SQLite the first command makes and upgrades the catalog, so that it may lack. */
export function judgeSchema(
  state: CatalogState,
  config: { readonly dbConnection: 'sqlite' | 'mysql'; readonly dbDatabase: string },
): Verdict {
  const bySelf = config.dbConnection === 'sqlite'
  const name = `catalog ${config.dbDatabase}`
  switch (state.kind) {
    case 'current':
      return ok(`${name}: schema ${state.version}`)
    case 'missing':
      return bySelf ? ok(`no ${name} yet: the first command makes it`) : fail(`there is no ${name}`, 'feedctl init')
    case 'behind': {
      const evidence = `${name}: schema ${state.version}, this feedctl works with ${CATALOG_VERSION}`
      return bySelf ? warn(`${evidence}; the next command upgrades it`, 'feedctl init') : fail(evidence, 'feedctl init')
    }
    case 'newer':
      return fail(`${name}: schema ${state.version}, this feedctl knows ${CATALOG_VERSION}`, 'upgrade feedctl')
    case 'taken':
      return fail(`the database ${config.dbDatabase} holds tables that are not feedctl's`, 'set DB_DATABASE to a name of its own')
  }
}

export const databaseMaxConnections: Check = {
  id: 'database.max-connections',
  applies: onMysql,
  run: async parts => {
    const facts = await parts.mysql()
    const workers = parts.config.queueConnection === 'redis' ? await parts.workers().catch(() => []) : []
    const home = (await parts.hostStandings().catch(() => null))?.find(({ name }) => name === 'default')
    return judgeConnections(facts, parts.config.dbPool, Math.max(1, workers.length), home?.maxConnections ?? null)
  },
}

/** `processes` may each open `pool` connections, or all together as many as the `budget` of the host; null for none. */
export function judgeConnections(
  { maxConnections, connections }: Pick<MysqlFacts, 'maxConnections' | 'connections'>,
  pool: number,
  processes: number,
  budget: number | null = null,
): Verdict {
  const most = budget ?? pool * processes
  const needed =
    budget === null
      ? `${processes} x FEEDCTL_DB_POOL=${pool} of the workers may open ${most}`
      : `all processes together may open ${most}, as the budget of the host default says`
  const evidence = `max_connections is ${maxConnections}, ${connections} are open; ${needed}`
  const fix =
    budget === null
      ? 'lower FEEDCTL_DB_POOL or the number of workers, or raise max_connections'
      : 'feedctl host set default --connections N, or raise max_connections'
  if (most > maxConnections) return fail(evidence, fix)
  return Math.max(most, connections) > maxConnections * BUSY_SHARE ? warn(evidence, fix) : ok(evidence)
}

export const databaseDurability: Check = {
  id: 'database.durability',
  applies: onMysql,
  run: async parts => judgeDurability((await parts.mysql()).flushAtCommit),
}

export function judgeDurability(flushAtCommit: number): Verdict {
  const evidence = `innodb_flush_log_at_trx_commit is ${flushAtCommit}`
  return flushAtCommit === 1
    ? ok(evidence)
    : warn(`${evidence}: a crash may lose the last second of what was stored`, 'innodb_flush_log_at_trx_commit=1 in my.cnf')
}

async function lookAtFiles(folder: string): Promise<Verdict> {
  const above = nearestFolder(folder)
  try {
    await access(above, constants.R_OK | constants.W_OK | constants.X_OK)
    if (above === folder) return ok(`SQLite files in ${folder}`)
    // Whether there is place for a folder, no permission tells.
    await rmdir(await mkdtemp(join(above, '.feedctl-')))
    return ok(`SQLite files in ${folder}, which the first command makes`)
  } catch (error) {
    return fail(`cannot write in ${above}: ${wordsOf(error)}`, 'set FEEDCTL_DATA to a folder that can be written')
  }
}
