import type { Io } from '../src/cli/io.js'
import { settingsOf } from './opening.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const command = program.command('init').action(async () => {
    const config = settingsOf(io)
    const [{ openServer }, { initCatalog }, { readStanding }, { TENANT_SCHEMA_VERSION }] = await Promise.all([
      import('../src/tenants/databases/index.js'),
      import('../src/tenants/catalog.js'),
      import('../src/tenants/migrating/standing.js'),
      import('../src/tenants/upgrade.js'),
    ])
    const server = await openServer(config)
    let hosts: { close(): Promise<void> } | null = null
    try {
      const { catalog, report } = await initCatalog(server, config)
      hosts = catalog.hosts
      io.print({ catalog: { connection: config.dbConnection, ...report } }, ({ catalog }) => {
        const what = catalog.created ? 'created' : 'up to date'
        return `catalog ${catalog.database} on ${catalog.connection}: ${what}, schema ${catalog.schemaVersion}`
      })
      const { behind } = (await readStanding(catalog, TENANT_SCHEMA_VERSION)).databases
      if (behind > 0) io.note(`databases of tenants that are behind: ${behind}; feedctl tenant migrate --all`)
    } finally {
      await hosts?.close()
      await server.close()
    }
  })
  examples(command, ['feedctl init', 'DB_CONNECTION=mysql DB_USERNAME=feedctl DB_PASSWORD_FILE=/run/secrets/db feedctl init'])
}
