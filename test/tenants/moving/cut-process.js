import { loadConfig } from '../../../dist/src/kernel/config.js'
import { initCatalog } from '../../../dist/src/tenants/catalog.js'
import { openServer } from '../../../dist/src/tenants/databases/index.js'
import { moveTenant } from '../../../dist/src/tenants/moving/move.js'
import { parseWish } from '../../../dist/src/tenants/moving/targets.js'

/** A process that moves one tenant, and is killed right after its n-th statement; where there are fewer it says how many they were. */
const { env, slug, to, killAfter } = JSON.parse(process.argv[2])
const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
const server = await openServer(config)
const { catalog } = await initCatalog(server, config)
let statements = 0
const count = () => {
  if (++statements === killAfter) process.kill(process.pid, 'SIGKILL')
}
const cutting = {
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }) => {
    count()
    return result
  },
}
const cut = database => ({ ...database, kysely: database.kysely.withPlugin(cutting) })
const [use, create] = [server.use.bind(server), server.create.bind(server)]
server.use = (name, deed) => use(name, database => deed(cut(database)))
server.create = async name => {
  const created = await create(name)
  count()
  return created
}
const cutCatalog = { ...catalog, database: cut(catalog.database), kysely: catalog.kysely.withPlugin(cutting) }
const options = { keepMs: 86_400_000, signal: new AbortController().signal }
await moveTenant(cutCatalog, config.databasePrefix, slug, parseWish(to), options)
await catalog.hosts.close()
await server.close()
process.stdout.write(String(statements))
