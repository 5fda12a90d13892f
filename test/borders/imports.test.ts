import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folders.js'
import { cruiseTree, REPOSITORY, RULES } from './cruise.js'
import { sourceFiles } from './tree.js'

describe('the borders of the house', () => {
  test('no import crosses one, and every module was looked at', async () => {
    const { modules, violations } = await cruiseTree(REPOSITORY)
    expect(violations).toEqual([])
    const onDisk = sourceFiles(REPOSITORY, ['src', 'commands']).map(file => file.path)
    expect(onDisk.length).toBeGreaterThan(20)
    expect(onDisk.filter(path => !modules.includes(path))).toEqual([])
  })

  test('every room has a rule', () => {
    const entries = readdirSync(join(REPOSITORY, 'src'), { withFileTypes: true })
    const rooms = entries.filter(entry => entry.isDirectory()).map(entry => `room-${entry.name}`)
    expect(rooms.length).toBeGreaterThan(3)
    expect(rooms.filter(room => !RULES.includes(room))).toEqual([])
    const files = entries.filter(entry => entry.isFile()).map(entry => entry.name)
    expect(files.filter(name => !['app.ts', 'jobs.ts', 'parts.ts'].includes(name))).toEqual([])
  })
})

/** For each rule, a file that breaks it and what it imports. */
const BREACHES: readonly [rule: string, from: string, to: string][] = [
  ['room-kernel', 'src/kernel/clock.ts', 'src/tenants/ids.ts'],
  ['room-cli', 'src/cli/table.ts', 'src/feeds/store.ts'],
  ['room-cli-screens', 'src/cli/screens/top.ts', 'src/app.ts'],
  ['room-redis', 'src/redis/connection.ts', 'src/queues/driver.ts'],
  ['room-schedule', 'src/schedule/print.ts', 'src/cli/io.ts'],
  ['room-watch', 'src/watch/alerts.ts', 'src/cli/io.ts'],
  ['room-caches', 'src/caches/memory.ts', 'src/tenants/ids.ts'],
  ['room-queues', 'src/queues/worker.ts', 'src/app.ts'],
  ['room-tenants', 'src/tenants/move.ts', 'src/cli/io.ts'],
  ['room-feeds', 'src/feeds/fetch.ts', 'src/queues/index.ts'],
  ['room-media', 'src/media/intake.ts', 'src/feeds/store.ts'],
  ['room-analytics', 'src/analytics/intake.ts', 'src/api/server.ts'],
  ['room-doctor', 'src/doctor/redis.ts', 'src/cli/io.ts'],
  ['room-bench', 'src/bench/sync.ts', 'src/cli/io.ts'],
  ['room-api', 'src/api/routes.ts', 'src/cli/io.ts'],
  ['room-infra', 'src/infra/render.ts', 'src/cli/io.ts'],
  ['room-app', 'src/jobs.ts', 'src/cli/io.ts'],
  ['room-commands', 'commands/feed.ts', 'test/support/feeds.ts'],
  ['entrance-tenants-databases', 'src/tenants/show.ts', 'src/tenants/databases/mysql.ts'],
  ['entrance-caches', 'commands/config.ts', 'src/caches/redis.ts'],
  ['entrance-queues', 'src/app.ts', 'src/queues/inline.ts'],
  ['entrance-media-disks', 'src/media/verify.ts', 'src/media/disks/wasabi.ts'],
  ['package-mysql2', 'src/tenants/catalog.ts', 'mysql2'],
  ['package-libsql', 'src/doctor/sqlite.ts', 'libsql'],
  ['package-aws-sdk', 'src/media/copy.ts', '@aws-sdk/client-s3'],
  ['package-bullmq', 'commands/queue.ts', 'bullmq'],
  ['package-ioredis', 'src/feeds/share.ts', 'ioredis'],
  ['package-fastify', 'commands/serve.ts', 'fastify'],
  ['package-ink', 'src/cli/progress.ts', 'ink'],
  ['package-prom-client', 'commands/queue.ts', 'prom-client'],
  ['package-autocannon', 'commands/bench.ts', 'autocannon'],
  ['package-ml-levenberg-marquardt', 'src/bench/api/scaling.ts', 'ml-levenberg-marquardt'],
  ['package-undici', 'src/tenants/hook.ts', 'undici'],
  ['no-cycles', 'src/kernel/line.ts', 'src/kernel/log.ts'],
  ['no-lost-imports', 'src/kernel/retry.ts', './nowhere.js'],
  ['no-development-packages', 'src/kernel/hash.ts', 'vitest'],
]

describe('each rule bites', () => {
  test('a tree that breaks each rule once is refused by the name of each, and by nothing else', async () => {
    const root = temporaryFolder()
    plant(root)
    const expected = BREACHES.map(
      ([rule, from, to]) => `${rule}: ${from} -> ${isPackage(to) ? `node_modules/${to}/index.js` : to}`,
    )
    expect((await cruiseTree(root)).violations).toEqual(expected.sort())
  })

  test('no rule is left out', () => {
    expect([...new Set(BREACHES.map(([rule]) => rule))].sort()).toEqual([...RULES].sort())
  })
})

/** Writes the tree: the importers, what they import, and packages that hold nothing. A type is imported from a file, more from a package. */
function plant(root: string): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { flag: 'a' })
  }
  const packages = BREACHES.map(([, , to]) => to).filter(isPackage)
  const dependencies = Object.fromEntries(packages.filter(name => name !== 'vitest').map(name => [name, '1.0.0']))
  write('package.json', JSON.stringify({ type: 'module', dependencies, devDependencies: { vitest: '1.0.0' } }))
  for (const name of packages) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }))
    write(`node_modules/${name}/index.js`, '')
  }
  for (const [, from, to] of BREACHES) {
    const up = '../'.repeat(from.split('/').length - 1)
    if (isPackage(to)) write(from, `import '${to}'\n`)
    else write(from, `import type {} from '${to.startsWith('.') ? to : `${up}${to.replace(/\.ts$/, '.js')}`}'\n`)
    if (!isPackage(to) && !to.startsWith('.')) write(to, '')
  }
  write('src/kernel/log.ts', "import type {} from './line.js'\n")
}

function isPackage(name: string): boolean {
  return !/^(src|commands|test|\.)/.test(name)
}
