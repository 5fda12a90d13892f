import { loadConfig } from '../../dist/src/kernel/config.js'
import { initCatalog } from '../../dist/src/tenants/catalog.js'
import { openServer } from '../../dist/src/tenants/databases/index.js'
import { markDue, removeTenant } from '../../dist/src/tenants/removal.js'

/** A process that removes one tenant, and is killed right after its n-th statement; where there are fewer it says how many they were. */
const { env, slug, killAfter } = JSON.parse(process.argv[2])
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
const [use, drop] = [server.use.bind(server), server.drop.bind(server)]
server.use = (name, deed) => use(name, database => deed(cut(database)))
server.drop = async name => {
  const dropped = await drop(name)
  count()
  return dropped
}
const cutCatalog = { ...catalog, database: cut(catalog.database), kysely: catalog.kysely.withPlugin(cutting) }
const media = async () => ({ files: 0, bytes: 0, localFiles: 0, bucketObjects: 0, bucketForgotten: 0 })
await markDue(cutCatalog, slug)
await removeTenant(cutCatalog, slug, { parts: { media, jobs: null, keys: null, events: async () => {} }, by: 'cut' })
await catalog.hosts.close()
await server.close()
process.stdout.write(String(statements))
