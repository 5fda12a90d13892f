// Another process that imports a tenant from a file, and stops half way until it is told to go on. It tells how it ended.

import { once } from 'node:events'
import { createReadStream, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { sanitise } from '../../../dist/src/feeds/parse/sanitise.js'
import { sourcesOfRestored } from '../../../dist/src/feeds/restored-sources.js'
import { sourceUrl } from '../../../dist/src/feeds/urls.js'
import { loadConfig } from '../../../dist/src/kernel/config.js'
import { isMediaName } from '../../../dist/src/media/names.js'
import { initCatalog } from '../../../dist/src/tenants/catalog.js'
import { openServer } from '../../../dist/src/tenants/databases/index.js'
import { importTenant } from '../../../dist/src/tenants/transfer/import.js'

const { env, path, slug, placement } = JSON.parse(process.argv[2])
const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
const server = await openServer(config)
const { catalog } = await initCatalog(server, config)

async function* halves() {
  const bytes = readFileSync(path)
  yield bytes.subarray(0, bytes.length / 2)
  await once(process, 'message')
  yield bytes.subarray(bytes.length / 2)
}

let readings = 0
const open = () => (readings++ === 0 ? createReadStream(path) : Readable.from(halves()))
const parts = {
  prefix: config.databasePrefix,
  sourcesOf: urls => sourcesOfRestored(catalog, urls),
  isFeedUrl: url => sourceUrl(url) === url,
  isMediaName,
  cleanContent: html => sanitise(html, 'https://invalid.invalid/'),
}
const wish = { open, slug, name: null, placement, host: null }
const ended = await importTenant(catalog, wish, parts, { signal: new AbortController().signal }).then(
  () => 'imported',
  error => error.code ?? String(error),
)
process.send({ ended })
await server.close()
process.disconnect()
