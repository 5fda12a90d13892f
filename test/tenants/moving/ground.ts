import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll } from 'vitest'
import type { Catalog } from '../../../src/tenants/catalog.js'
import { insertRows, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { type MoveOptions, moveTenant } from '../../../src/tenants/moving/move.js'
import { MOVED_TABLES, type MovedTable } from '../../../src/tenants/moving/shapes.js'
import { parseWish } from '../../../src/tenants/moving/targets.js'
import { getTenant, type Placement, type Tenant } from '../../../src/tenants/tenant.js'
import { type MariadbServer, startMariadb } from '../../support/mariadb.js'
import { describeDatabases, type Installation, openInstallation } from '../installation.js'

export const OTHER = 'other'

/** Options of a move whose old copy is kept for a day. */
export function keeping(signal: AbortSignal = new AbortController().signal): MoveOptions {
  return { keepMs: 86_400_000, signal }
}

/** The block once for each kind of database, with a second host: another folder, or another server. */
export function describeMoves(title: string, block: (open: () => Promise<Installation>, kind: 'sqlite' | 'mysql') => void): void {
  describeDatabases(title, (env, kind) => {
    let second: MariadbServer | null = null
    beforeAll(async () => {
      if (kind !== 'mysql') return
      second = await startMariadb()
    }, 120_000)
    afterAll(() => second?.[Symbol.asyncDispose]())
    block(async () => {
      const passwords =
        second === null
          ? {}
          : { FEEDCTL_HOST_PASSWORDS: JSON.stringify({ [OTHER]: second.password, [`${OTHER}-again`]: second.password }) }
      const here = await openInstallation({ ...env, ...passwords })
      await addHost(here, second, env.FEEDCTL_DATA ?? '')
      return here
    }, kind)
  })
}

async function addHost({ catalog }: Installation, server: MariadbServer | null, data: string): Promise<void> {
  const folder = join(data, 'other-disk')
  if (server === null) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, '.feedctl-host'), 'other')
  }
  const address = server === null ? folder : `127.0.0.1:${server.port}`
  const row = { name: OTHER, address, username: server?.username ?? null, weight: 0, created_at: Date.now() }
  await insertRows(catalog.database, 'hosts', [row], 'keep')
}

export async function move(here: Installation, slug: string, to: string, options = keeping()) {
  return moveTenant(here.catalog, here.prefix, slug as Tenant['slug'], parseWish(to), options)
}

/** One more name for a host: another folder or address that leads to the same databases. */
export async function aliasOf({ catalog, config }: Installation, host: string): Promise<string> {
  const name = `${host}-again`
  const real = await catalog.kysely.selectFrom('hosts').selectAll().where('name', '=', host).executeTakeFirstOrThrow()
  let address = real.address ?? ''
  if (config.dbConnection === 'sqlite') {
    address = join(config.data, name)
    if (!existsSync(address)) symlinkSync(real.address ?? '', address)
  } else address = address.replace('127.0.0.1', 'localhost')
  const row = { name, address, username: real.username, weight: 0, created_at: Date.now() }
  await insertRows(catalog.database, 'hosts', [row], 'keep')
  return name
}

/** As if the tenant had moved an hour ago: nobody reads its old copies any more. */
export async function anHourLater({ catalog }: Installation, { id }: Tenant): Promise<void> {
  const switched_at = Date.now() - 3_600_000
  await catalog.kysely.updateTable('moves').set({ switched_at }).where('tenant_id', '=', id).execute()
}

export function standing({ catalog }: Installation, { slug }: Tenant): Promise<Tenant> {
  return getTenant(catalog, slug)
}

/** All rows of a tenant in a placement, in an order of their own; null where there is no database. */
export async function rowsIn(
  catalog: Catalog,
  id: number,
  at: Placement,
): Promise<Partial<Record<MovedTable, readonly string[]>>> {
  const server = await catalog.hosts.serverOf(at.host)
  if (!(await server.has(at.database))) return {}
  return server.use<TenantSchema, Partial<Record<MovedTable, readonly string[]>>>(at.database, async database => {
    const all: Partial<Record<MovedTable, readonly string[]>> = {}
    for (const table of MOVED_TABLES) {
      const name = sql.raw(database.qualify(table))
      const { rows } = await sql<Record<string, unknown>>`select * from ${name} where tenant_id = ${id}`.execute(database.kysely)
      const texts = rows.map(row =>
        JSON.stringify(
          Object.keys(row)
            .sort()
            .map(key => [key, plain(row[key])]),
        ),
      )
      if (texts.length > 0) all[table] = texts.sort()
    }
    return all
  })
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}
