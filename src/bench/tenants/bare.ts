import { type Kysely, sql } from 'kysely'
import { Crew } from '../../kernel/crew.js'
import type { Catalog } from '../../tenants/catalog.js'
import { applyMigrations, TENANT_MIGRATIONS, type TenantSchema } from '../../tenants/databases/index.js'
import { type DatabaseName, parseDatabaseName } from '../../tenants/ids.js'
import { madeAtOnce } from '../../tenants/make-ready.js'

/** The statements that make the tables of one new database. */
export interface Ddl {
  readonly statements: readonly string[]
  readonly database: DatabaseName
}

/** As they are sent for a new tenant: read off a database that is made here. The ledger's and the tenant's own row are none of them. */
export async function recordDdl(catalog: Catalog, prefix: string): Promise<Ddl> {
  const database = bareDatabase(prefix, 'model')
  const statements: string[] = []
  await catalog.server.create(database)
  await catalog.server.use<TenantSchema, unknown>(database, open =>
    applyMigrations({ ...open, kysely: recording(open.kysely, statements) }, TENANT_MIGRATIONS, catalog.id, Date.now(), {
      empty: true,
    }),
  )
  return { database, statements: statements.filter(text => text.startsWith('create ')) }
}

/** Makes so many databases with these tables and nothing else, over all connections; how long it took, ms. */
export async function makeBare(
  catalog: Catalog,
  prefix: string,
  ddl: Ddl,
  { from, count }: { from: number; count: number },
): Promise<number> {
  const crew = new Crew(await madeAtOnce(catalog, 'default'))
  const begun = performance.now()
  for (let number = from; number < from + count; number++) {
    await crew.do(async () => {
      const database = bareDatabase(prefix, String(number))
      await catalog.server.create(database)
      await catalog.server.use<TenantSchema, void>(database, async ({ kysely }) => {
        for (const text of ddl.statements) await sql.raw(text.replaceAll(ddl.database, database)).execute(kysely)
      })
    })
  }
  await crew.end()
  return performance.now() - begun
}

export async function dropBare(catalog: Catalog, prefix: string, count: number): Promise<void> {
  const crew = new Crew(await madeAtOnce(catalog, 'default'))
  const names = ['model', ...Array.from({ length: count }, (_, number) => String(number))]
  for (const name of names) await crew.do(async () => void (await catalog.server.drop(bareDatabase(prefix, name))))
  await crew.end()
}

function bareDatabase(prefix: string, name: string): DatabaseName {
  return parseDatabaseName(`${prefix}_bare_${name}`)
}

function recording<Schema>(kysely: Kysely<Schema>, statements: string[]): Kysely<Schema> {
  return kysely.withPlugin({
    transformQuery({ node }) {
      if (node.kind === 'RawNode') statements.push(node.sqlFragments.join('?'))
      return node
    },
    transformResult: async ({ result }) => result,
  })
}
