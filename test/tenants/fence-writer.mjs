// Another process that writes a tenant's rows, one transaction after the other, until it is told to end. It tells of each that was committed, and of
// each that was refused.
import { loadConfig } from '../../dist/src/kernel/config.js'
import { initCatalog } from '../../dist/src/tenants/catalog.js'
import { openServer } from '../../dist/src/tenants/databases/index.js'
import { withTenant } from '../../dist/src/tenants/tables.js'

const { env, tenant, feedId } = JSON.parse(process.argv[2])
const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
const server = await openServer(config)
const { catalog } = await initCatalog(server, config)
let ending = false
process.on('message', () => {
  ending = true
})
process.send({ ready: true })
for (let number = 0; !ending; number++) {
  const row = { feed_id: feedId, guid_hash: `g${String(number).padStart(21, '0')}`, deleted_at: 1 }
  try {
    await withTenant(catalog, tenant, tables =>
      tables.transaction(async tx => {
        await tx.takeIds('posts', 1)
        await tx.insert('tombstones', [row])
      }),
    )
    process.send({ committed: 1 })
  } catch (error) {
    process.send({ refused: error.code ?? String(error) })
  }
  await new Promise(resolve => setImmediate(resolve))
}
await server.close()
process.disconnect()
