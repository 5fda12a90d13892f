import type { Catalog } from '../../tenants/catalog.js'
import {
  dbUserRights,
  grantStatement,
  type HeldRights,
  heldRights,
  missingRights,
  neededRights,
  type Right,
  type RightNames,
} from '../../tenants/rights.js'
import { type Check, fail, ok, onMysql, type Verdict, warn } from '../check.js'

const HOSTS_AT_MOST = 50

/** What a host's user may do, and what is needed there. */
export interface RightsSight {
  readonly host: string
  readonly held: HeldRights
  readonly needed: readonly Right[]
}

export const databaseRights: Check = {
  id: 'database.rights',
  applies: onMysql,
  run: async parts => {
    const { dbDatabase, databasePrefix } = parts.config
    const catalog = await parts.catalog()
    if (catalog === null) return ok('no catalog yet')
    return judgeRights(await lookAtHosts(catalog, { catalog: dbDatabase, prefix: databasePrefix }))
  },
}

export function judgeRights(sights: readonly RightsSight[]): Verdict {
  const lacking = sights
    .map(sight => ({ ...sight, missing: missingRights(sight.needed, sight.held.rights) }))
    .filter(({ missing }) => missing.length > 0)
  if (lacking.length === 0)
    return ok(`the user has the rights of docs/mysql-rights.md on ${sights.map(({ host }) => host).join(', ')}`)
  const words = lacking.map(({ host, missing }) => {
    const rights = missing.map(({ privileges, on, withGrantOption }) => {
      const option = withGrantOption ? ' with grant option' : ''
      return `${privileges.join(', ')}${option} on ${on === '*' ? 'the server' : on}`
    })
    return `on ${host} the user lacks ${rights.join(' and ')}`
  })
  const fix = lacking.flatMap(({ held, missing }) => missing.map(right => grantStatement(right, held.account))).join(' ')
  const evidence = words.join('; ')
  // What a role gives is listed only where the role is set.
  return lacking.every(({ held }) => held.roles) ? warn(`${evidence}, unless by a role`, fix) : fail(evidence, fix)
}

async function lookAtHosts(catalog: Catalog, names: RightNames): Promise<RightsSight[]> {
  const hosts = await catalog.kysely.selectFrom('hosts').select(['id', 'name']).orderBy('id').limit(HOSTS_AT_MOST).execute()
  const withUsers = await catalog.kysely
    .selectFrom('placements')
    .select('host_id')
    .where('db_user', 'is not', null)
    .distinct()
    .execute()
  const hasUsers = new Set(withUsers.map(row => row.host_id))
  return Promise.all(
    hosts.map(async ({ id, name }) => {
      const needed = [
        ...neededRights(names).filter(right => name === 'default' || right.privileges.includes('DROP')),
        ...(hasUsers.has(id) ? dbUserRights(names) : []),
      ]
      const server = await catalog.hosts.serverOf(name)
      return server.use<object, RightsSight>(catalog.name, async ({ kysely }) => ({
        host: name,
        held: await heldRights(kysely),
        needed,
      }))
    }),
  )
}
