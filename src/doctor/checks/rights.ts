import { isFailure } from '../../kernel/errors.js'
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
    const { sights, away } = await lookAtHosts(catalog, { catalog: dbDatabase, prefix: databasePrefix })
    const verdict = judgeRights(sights)
    if (away.length === 0) return verdict
    const evidence = `${sights.length === 0 ? '' : `${verdict.evidence}; `}not looked at, since they do not answer: ${away.join(', ')}`
    return verdict.severity === 'ok' ? warn(evidence, 'feedctl host list') : { ...verdict, evidence }
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

/** `away`: names of the hosts that do not answer. */
async function lookAtHosts(catalog: Catalog, names: RightNames): Promise<{ sights: RightsSight[]; away: string[] }> {
  const hosts = await catalog.kysely.selectFrom('hosts').select(['id', 'name']).orderBy('id').limit(HOSTS_AT_MOST).execute()
  const withUsers = await catalog.kysely
    .selectFrom('placements')
    .select('host_id')
    .where('db_user', 'is not', null)
    .distinct()
    .execute()
  const hasUsers = new Set(withUsers.map(row => row.host_id))
  const away: string[] = []
  const sights = await Promise.all(
    hosts.map(async ({ id, name }) => {
      const needed = [
        ...neededRights(names).filter(right => name === 'default' || right.privileges.includes('DROP')),
        ...(hasUsers.has(id) ? dbUserRights(names) : []),
      ]
      try {
        const server = await catalog.hosts.serverOf(name)
        const held = await server.use<object, HeldRights>(catalog.name, ({ kysely }) => heldRights(kysely))
        return [{ host: name, held, needed }]
      } catch (error) {
        if (!isFailure(error)) throw error
        away.push(name)
        return []
      }
    }),
  )
  return { sights: sights.flat(), away: away.sort() }
}
