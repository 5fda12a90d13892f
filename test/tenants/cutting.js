import { loadConfig } from '../../dist/src/kernel/config.js'
import { initCatalog } from '../../dist/src/tenants/catalog.js'
import { openServer } from '../../dist/src/tenants/databases/index.js'

/**
 * For a process that does one thing to one tenant, and is killed right after its n-th statement: the catalog that counts them, and what the process was told. `end`
 * says how many they were.
 */
export async function openCutting() {
  const { env, killAfter, ...told } = JSON.parse(process.argv[2])
  const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
  const server = await openServer(config)
  const { catalog } = await initCatalog(server, config)
  let statements = 0
  const count = result => {
    if (++statements === killAfter) process.kill(process.pid, 'SIGKILL')
    return result
  }
  const cutting = { transformQuery: ({ node }) => node, transformResult: async ({ result }) => count(result) }
  const cut = database => ({ ...database, kysely: database.kysely.withPlugin(cutting) })
  const [use, create, drop] = [server.use.bind(server), server.create.bind(server), server.drop.bind(server)]
  server.use = (name, deed) => use(name, database => deed(cut(database)))
  server.create = async name => count(await create(name))
  server.drop = async name => count(await drop(name))
  const end = async () => {
    await catalog.hosts.close()
    await server.close()
    process.stdout.write(String(statements))
  }
  const counting = { ...catalog, database: cut(catalog.database), kysely: catalog.kysely.withPlugin(cutting) }
  return { catalog: counting, config, told, end }
}
