import { type Kysely, sql } from 'kysely'
import { grantPattern } from './db-users.js'

/** What feedctl's own MySQL user is granted. `names`: of the catalog's database, and the start of those of tenants. */
export interface RightNames {
  readonly catalog: string
  readonly prefix: string
}

/** One GRANT. */
export interface Right {
  readonly privileges: readonly string[]
  /** A pattern as GRANT takes it, or `*` for the server. */
  readonly on: string
  readonly withGrantOption: boolean
}

/** A user's rights, as the server lists them. */
export interface HeldRights {
  /** `'feedctl'@'%'` */
  readonly account: string
  readonly rights: readonly Right[]
  /** Some may come through a role, which the server lists only while it is set. */
  readonly roles: boolean
}

const ON_CATALOG = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'ALTER']
const ON_TENANTS = [...ON_CATALOG, 'DROP']

/** What every command needs; of them, the statements of docs/mysql-rights.md are made. */
export function neededRights(names: RightNames): Right[] {
  return [{ privileges: ON_CATALOG, on: grantPattern(names.catalog), withGrantOption: false }, ...tenantRights(names)]
}

/** Of them, what a host needs on which there is no catalog. */
export function tenantRights({ prefix }: Pick<RightNames, 'prefix'>): Right[] {
  return [{ privileges: ON_TENANTS, on: `${grantPattern(prefix)}%`, withGrantOption: false }]
}

/** What database users of tenants need besides. */
export function dbUserRights({ prefix }: RightNames): Right[] {
  return [
    { privileges: ['CREATE USER'], on: '*', withGrantOption: false },
    { privileges: ['SELECT'], on: `${grantPattern(prefix)}%`, withGrantOption: true },
  ]
}

/** `GRANT SELECT ON ... TO 'feedctl'@'%';` */
export function grantStatement({ privileges, on, withGrantOption }: Right, account: string): string {
  const where = on === '*' ? '*.*' : `\`${on}\`.*`
  return `GRANT ${privileges.join(', ')} ON ${where} TO ${account}${withGrantOption ? ' WITH GRANT OPTION' : ''};`
}

/** Of the user that is logged in. @throws {Failure} UNAVAILABLE, CONFIG_INVALID */
export async function heldRights(kysely: Kysely<object>): Promise<HeldRights> {
  const { rows } = await sql<Record<string, string>>`show grants`.execute(kysely)
  const lines = rows.map(row => Object.values(row)[0] ?? '')
  const current = await sql<{ user: string }>`select current_user() as user`.execute(kysely)
  const [name = '', host = ''] = (current.rows[0]?.user ?? '').split(/@(?=[^@]*$)/)
  return {
    account: `'${name}'@'${host}'`,
    rights: lines.flatMap(rightOf),
    roles: lines.some(line => /^GRANT [`'"][^ ]+ TO /.test(line)),
  }
}

/** What of the needed rights is not held, as rights that may be granted as they are. */
export function missingRights(needed: readonly Right[], held: readonly Right[]): Right[] {
  return needed.flatMap(right => {
    const covering = held.filter(({ on }) => covers(on, right.on))
    const holds = (privilege: string) => covering.some(({ privileges }) => grantsAlso(privileges, privilege))
    const privileges = right.privileges.filter(privilege => !holds(privilege))
    const lacksOption = right.withGrantOption && !covering.some(({ withGrantOption }) => withGrantOption)
    if (lacksOption) return [right]
    return privileges.length === 0 ? [] : [{ ...right, privileges }]
  })
}

function rightOf(line: string): Right[] {
  const [, privileges, database, rest] = /^GRANT (.+?) ON (\*|[`"].+?[`"])\.\* TO (.+)$/.exec(line) ?? []
  if (privileges === undefined || database === undefined) return []
  return [
    {
      privileges: privileges.split(',').map(privilege => privilege.trim().toUpperCase()),
      on: database.replaceAll(/[`"]/g, ''),
      withGrantOption: /WITH GRANT OPTION/.test(rest ?? ''),
    },
  ]
}

function grantsAlso(held: readonly string[], privilege: string): boolean {
  return held.some(each => each === privilege || (/^ALL( PRIVILEGES)?$/.test(each) && privilege !== 'GRANT OPTION'))
}

/** Whether every database that one pattern matches is matched by the other; `*` is the server, which only itself covers wholly. */
function covers(held: string, needed: string): boolean {
  if (held === '*' || held === needed) return true
  return needed !== '*' && patternOf(held).test(needed.replaceAll('\\_', '_').replaceAll('%', 'a%9'))
}

/** The pattern of a GRANT as one of JavaScript. */
function patternOf(pattern: string): RegExp {
  const parts = pattern.replaceAll(/\\([_%])|([_%])|([^\w])/g, (_all, literal?: string, wild?: string, other?: string) => {
    if (literal !== undefined) return literal === '%' ? '[%]' : '_'
    if (wild !== undefined) return wild === '%' ? '.*' : '.'
    return `\\${other}`
  })
  return new RegExp(`^${parts}$`, 'i')
}
