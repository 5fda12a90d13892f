import { afterAll } from 'vitest'
import {
  applyMigrations,
  type DatabaseServer,
  ledgerOf,
  type OpenDatabase,
  TENANT_MIGRATIONS,
  type TenantSchema,
} from '../../../src/tenants/databases/index.js'
import { type DatabaseName, parseDatabaseName } from '../../../src/tenants/ids.js'

type Tenants = OpenDatabase<TenantSchema>

/** Gives another set of connections to the same databases at each call; `prefix` starts their names. */
export type OpenServer = () => { server: DatabaseServer; prefix: string }

/** What the tests of one block stand on: two sets of connections, closed after it, and names that no other test has. */
export function prepareGround(open: OpenServer, block: string) {
  const { server, prefix } = open()
  const other = open().server
  afterAll(async () => {
    await server.close()
    await server.close()
    await other.close()
  })
  let turn = 0
  const named = (name: string) => parseDatabaseName(`${prefix}${block}${name}`)
  const freshName = () => named(`n${++turn}`)
  const onFeeds = <T>(name: DatabaseName, deed: (database: Tenants) => Promise<T>, at = server) =>
    at.use<TenantSchema, T>(name, deed)
  const migrated = async () => {
    const name = freshName()
    await server.create(name)
    await onFeeds(name, database => applyMigrations(database, TENANT_MIGRATIONS, 'catalog', 1))
    return name
  }
  /** Counters of one tenant. */
  const countersOf = (name: DatabaseName, tenant = 1, at = server) =>
    onFeeds(name, ({ kysely }) => kysely.selectFrom('counters').selectAll().where('tenant_id', '=', tenant).execute(), at)
  return { server, other, named, freshName, onFeeds, migrated, countersOf }
}

export const ledger = (database: Tenants) => ledgerOf(database)
