import { createHash, randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { sleep } from '../kernel/clock.js'
import { Failure, isFailure, wordsOf } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { DatabaseServer } from './databases/index.js'
import type { DatabaseName, TenantId } from './ids.js'
import { whenUnlocked } from './locks.js'
import type { Placement, Tenant } from './tenant.js'

/** As long as a MySQL user's name may be. */
const NAME_CHARS = 32
const CONNECTIONS_AT_MOST = 5
/** For another who makes or drops the same user, and for sessions that are to end. */
const PATIENCE_MS = 30_000
const SESSION_LOOK_MS = 50

type Owner = Pick<Tenant, 'id' | 'slug' | 'placement'>

/** Reads one tenant's database, and nothing else. */
export interface DbUser {
  readonly username: string
  /** Kept nowhere: whoever loses it has it replaced. */
  readonly password: string
  readonly host: string
  readonly database: DatabaseName
}

/** @throws {Failure} DB_USER_REFUSED where there can be none: before anything is made */
export function refuseDbUser(catalog: Catalog, kind: Placement['kind']): void {
  if (catalog.server.dialect !== 'mysql') {
    throw new Failure('DB_USER_REFUSED', 'SQLite has no database users', { hint: 'DB_CONNECTION=mysql' })
  }
  if (kind === 'dedicated') return
  throw new Failure('DB_USER_REFUSED', "a user of a shared database would read other tenants' rows", {
    hint: 'feedctl tenant create <slug> --placement dedicated --db-user',
  })
}

/** The user that was made for the database; null for none. One whose maker was killed may be named here and not be there. */
export async function dbUserOf(catalog: Catalog, at: Placement): Promise<string | null> {
  return (await placementRow(catalog, at))?.db_user ?? null
}

/**
 * Makes the tenant's user, or gives the one it has a new password: killed at any point, the same call ends it, and no user is on the server that the
 * placement does not name. @throws {Failure} DB_USER_REFUSED, TENANT_MOVING, TENANT_WRONG_STATE, CONFIG_INVALID when feedctl's own user may not
 */
export async function giveDbUser(catalog: Catalog, tenant: Owner): Promise<DbUser> {
  const { placement } = tenant
  refuseDbUser(catalog, placement.kind)
  return alone(catalog, placement, () => giveAlone(catalog, tenant))
}

async function giveAlone(catalog: Catalog, tenant: Owner): Promise<DbUser> {
  const { placement } = tenant
  const { username, isNew } = await nameUser(catalog, tenant)
  const server = await catalog.hosts.serverOf(placement.host)
  const password = newPassword()
  const made = { user: false }
  try {
    await server.use<object, void>(placement.database, ({ kysely }) =>
      unheard(password, () => makeUser(kysely, username, password, placement.database, made)),
    )
  } catch (error) {
    // Who may make no users could not remove it either.
    if (isNew && !made.user && isFailure(error, 'CONFIG_INVALID')) await unname(catalog, placement, username)
    throw error
  }
  return { username, password, host: placement.host, database: placement.database }
}

/** Makes the user. @throws {Failure} DB_USER_REFUSED when the tenant has one; those of `giveDbUser` */
export async function createDbUser(catalog: Catalog, tenant: Owner): Promise<DbUser> {
  refuseDbUser(catalog, tenant.placement.kind)
  return alone(catalog, tenant.placement, async () => {
    const before = await dbUserOf(catalog, tenant.placement)
    if (before === null) return giveAlone(catalog, tenant)
    throw new Failure('DB_USER_REFUSED', `tenant ${tenant.slug} has the database user ${before}`, {
      hint: `feedctl tenant db-user ${tenant.slug} --rotate`,
    })
  })
}

/** Replaces the password: the old one opens no more connections from then on. @throws {Failure} DB_USER_REFUSED when there is no user; those of `giveDbUser` */
export async function rotateDbUser(catalog: Catalog, tenant: Owner): Promise<DbUser> {
  refuseDbUser(catalog, tenant.placement.kind)
  return alone(catalog, tenant.placement, async () => {
    if ((await dbUserOf(catalog, tenant.placement)) !== null) return giveAlone(catalog, tenant)
    throw new Failure('DB_USER_REFUSED', `tenant ${tenant.slug} has no database user`, {
      hint: `feedctl tenant db-user ${tenant.slug} --create`,
    })
  })
}

/**
 * Removes the user that was made for the database, if one was, and ends its sessions; the answer is its name. Killed at any point, and done twice, it is calm.
 * `only`: null for whoever it is; otherwise one who was made for the next tenant of that name stays, and the answer is null.
 * @throws {Failure} UNAVAILABLE, CONFIG_INVALID when feedctl's own user may not; LOCKED
 */
export async function dropDbUser(catalog: Catalog, at: Placement, only: string | null = null): Promise<string | null> {
  // Most have none, and need no lock.
  if ((await dbUserOf(catalog, at)) === null) return null
  return alone(catalog, at, async () => {
    const username = await dbUserOf(catalog, at)
    if (username === null || (only !== null && username !== only)) return null
    const server = await catalog.hosts.serverOf(at.host)
    await endSessions(server, at.database, username)
    await server.use<object, unknown>(at.database, ({ kysely }) => sql`drop user if exists ${username}@'%'`.execute(kysely))
    await unname(catalog, at, username)
    return username
  })
}

/** For the tenant that is to have the database: a user who was made for another goes. @throws {Failure} those of `dropDbUser` */
export async function dropStrangeDbUser(catalog: Catalog, id: TenantId, at: Placement): Promise<void> {
  const username = await dbUserOf(catalog, at)
  if (username !== null && username !== dbUserName(catalog.id, at.database, id)) await dropDbUser(catalog, at)
}

/**
 * To be asked before a tenant's move begins, once the move is known of (`tenants.move_id`): its password is known to nobody who could take it along.
 * From then on none is made. @throws {Failure} MOVE_REFUSED when the tenant has a user
 */
export async function refuseMoveOfDbUser(catalog: Catalog, { slug, placement }: Owner): Promise<void> {
  const username = await dbUserOf(catalog, placement)
  if (username === null) return
  throw new Failure('MOVE_REFUSED', `tenant ${slug} has the database user ${username}, which cannot move along`, {
    hint: `feedctl tenant db-user ${slug} --drop --yes, and --create after the move`,
  })
}

/** The same for two installations on one server only where they have one catalog. */
export function dbUserName(catalogId: string, database: DatabaseName, id: TenantId): string {
  const prefix = database.slice(0, 10)
  const mark = createHash('sha256').update(`${catalogId} ${id}`).digest('hex')
  return `${prefix}_${id}_${mark}`.slice(0, NAME_CHARS)
}

/** One at a time makes, changes or drops the user of a database. @throws {Failure} LOCKED */
function alone<T>(catalog: Catalog, { host, database }: Placement, deed: () => Promise<T>): Promise<T> {
  const patience = { withinMs: PATIENCE_MS, signal: new AbortController().signal }
  return whenUnlocked(catalog, `database user of ${host}/${database}`, patience, deed)
}

/** Writes the name down before there is such a user. @throws {Failure} TENANT_MOVING, TENANT_WRONG_STATE */
async function nameUser(catalog: Catalog, { id, slug, placement }: Owner): Promise<{ username: string; isNew: boolean }> {
  const row = await placementRow(catalog, placement)
  if (row?.db_user != null) return { username: row.db_user, isNew: false }
  const username = dbUserName(catalog.id, placement.database, id)
  const named = await catalog.kysely
    .updateTable('placements')
    .set({ db_user: username })
    .where('id', '=', row?.id ?? 0)
    .where('db_user', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('tenants')
          .select('tenants.id')
          .whereRef('tenants.placement_id', '=', 'placements.id')
          .where('tenants.id', '=', id)
          .where('tenants.move_id', 'is', null)
          .where('tenants.state', '<>', 'deleting'),
      ),
    )
    .executeTakeFirst()
  if (named.numUpdatedRows > 0n) return { username, isNew: true }
  const tenant = await catalog.kysely.selectFrom('tenants').select('state').where('id', '=', id).executeTakeFirst()
  if (tenant === undefined || tenant.state === 'deleting')
    throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is being removed`, { hint: `feedctl tenant show ${slug}` })
  throw new Failure('TENANT_MOVING', `tenant ${slug} is being moved`, { hint: `feedctl tenant show ${slug}` })
}

async function unname(catalog: Catalog, at: Placement, username: string): Promise<void> {
  const row = await placementRow(catalog, at)
  await catalog.kysely
    .updateTable('placements')
    .set({ db_user: null })
    .where('id', '=', row?.id ?? 0)
    .where('db_user', '=', username)
    .execute()
}

/** `made.user`: set once it is there. */
async function makeUser(
  kysely: Kysely<object>,
  username: string,
  password: string,
  database: DatabaseName,
  made: { user: boolean },
): Promise<void> {
  await setUser(kysely, username, password, CONNECTIONS_AT_MOST, made)
  await sql`grant select on ${sql.raw(`\`${grantPattern(database)}\``)}.* to ${username}@'%'`.execute(kysely)
}

/** The user with this password, made when it is missing. */
async function setUser(
  kysely: Kysely<object>,
  username: string,
  password: string,
  connections: number,
  made = { user: false },
): Promise<void> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(kysely)
  // MySQL has no password of users that it lets be set by its hash in one way over all versions, and keeps it out of its own lists and logs itself.
  const secret = /mariadb/i.test(rows[0]?.version ?? '')
    ? sql`identified by password ${nativeHash(password)}`
    : sql`identified by ${password}`
  const account = sql`${username}@'%' ${secret} with max_user_connections ${sql.lit(connections)}`
  await sql`create user if not exists ${account}`.execute(kysely)
  made.user = true
  await sql`alter user ${account}`.execute(kysely)
}

/**
 * Ends what the user has open, and lets it open nothing more: what a session may read it may until its end, also of a database that is made anew under the name.
 * The user itself does so, which may end its own: that needs no right over others. @throws {Failure} UNAVAILABLE when they do not end
 */
async function endSessions(server: DatabaseServer, database: DatabaseName, username: string): Promise<void> {
  const password = newPassword()
  await server.use<object, void>(database, ({ kysely }) =>
    unheard(password, () => setUser(kysely, username, password, CONNECTIONS_AT_MOST + 1)),
  )
  const itself = server.asUser(username, password)
  try {
    await itself?.use<object, void>(database, ({ kysely }) => unheard(password, () => endOthers(kysely)))
  } finally {
    await itself?.close()
  }
}

async function endOthers(kysely: Kysely<object>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const { rows } = await sql<{ id: number }>`
      select id from information_schema.processlist where id <> connection_id()`.execute(kysely)
    if (rows.length === 0) return
    if (performance.now() > end)
      throw new Failure('UNAVAILABLE', 'sessions of the database user do not end', { hint: 'the same command again' })
    for (const { id } of rows) await sql`kill ${sql.lit(Number(id))}`.execute(kysely).catch(ignoreEnded)
    await sleep(SESSION_LOOK_MS)
  }
}

function ignoreEnded(error: unknown): void {
  if (!/unknown thread/i.test(wordsOf(error))) throw error
}

function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

/** The database's name as GRANT takes it for this one only: there `_` is any character. */
export function grantPattern(database: string): string {
  return database.replaceAll('_', '\\_')
}

/** @see https://mariadb.com/kb/en/password/ */
function nativeHash(password: string): string {
  const sha1 = (bytes: string | Buffer) => createHash('sha1').update(bytes).digest()
  return `*${sha1(sha1(password)).toString('hex').toUpperCase()}`
}

/** What is thrown knows nothing of the password: servers' errors quote the statements that they are about. */
async function unheard<T>(password: string, deed: () => Promise<T>): Promise<T> {
  try {
    return await deed()
  } catch (error) {
    const words = wordsOf(error).replaceAll(password, '***').replaceAll(nativeHash(password), '***')
    if (!isFailure(error)) throw new Error(words)
    const hint = error.code === 'CONFIG_INVALID' ? "the rights of feedctl's user: docs/mysql-rights.md" : error.hint
    throw new Failure(error.code, words, hint === null ? {} : { hint })
  }
}

function placementRow(catalog: Catalog, at: Placement) {
  return catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.db_user'])
    .where('hosts.name', '=', at.host)
    .where('placements.database_name', '=', at.database)
    .executeTakeFirst()
}
