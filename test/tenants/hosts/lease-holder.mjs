// Another process that uses a further host as hard as it can, until it is told to end or is killed.
import { sql } from 'kysely'
import { loadConfig } from '../../../dist/src/kernel/config.js'
import { initCatalog } from '../../../dist/src/tenants/catalog.js'
import { openServer } from '../../../dist/src/tenants/databases/index.js'
import { parseDatabaseName } from '../../../dist/src/tenants/ids.js'

const { env, host, inFlight } = JSON.parse(process.argv[2])
const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
const home = await openServer(config)
const { catalog } = await initCatalog(home, config)
const server = await catalog.hosts.serverOf(host)
let ending = false
process.on('message', () => {
  ending = true
})
let done = 0
const worker = async () => {
  while (!ending) {
    await server.use(parseDatabaseName('mysql'), ({ kysely }) => sql`select sleep(0.02)`.execute(kysely))
    done++
  }
}
const timer = setInterval(() => process.send({ done, limit: server.connections.limit, open: server.connections.open }), 100)
await Promise.all(Array.from({ length: inFlight }, worker))
clearInterval(timer)
await catalog.hosts.close()
await home.close()
process.disconnect()
