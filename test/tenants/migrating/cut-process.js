import { loadConfig } from '../../../dist/src/kernel/config.js'
import { applyMigrations, openServer, TENANT_MIGRATIONS } from '../../../dist/src/tenants/databases/index.js'

/** A process that migrates one database, and is killed right after its n-th statement; where there are fewer it says how many they were. */
const { env, database, catalogId, killAfter } = JSON.parse(process.argv[2])
const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
const server = await openServer(config)
let statements = 0
const cutting = {
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }) => {
    if (++statements === killAfter) process.kill(process.pid, 'SIGKILL')
    return result
  },
}
await server.use(database, open =>
  applyMigrations({ ...open, kysely: open.kysely.withPlugin(cutting) }, TENANT_MIGRATIONS, catalogId, 1),
)
await server.close()
process.stdout.write(String(statements))
