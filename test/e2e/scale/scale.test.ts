import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startFeedServer } from '../../../src/bench/feed-server/server.js'
import { faultsIn } from '../../bench/bench-runs.js'
import { temporaryFolder } from '../../support/folders.js'
import { postsPublished, postsStored } from './content.js'
import { grown, killApi, killReplica, killWorker } from './deaths.js'
import { type BenchJson, expectReport, startBench } from './measuring.js'
import { Readers, readAll } from './readers.js'
import { MACHINES } from './rendered.js'
import { Site } from './site.js'
import { Syncing, syncAll } from './syncing.js'
import { createTenants } from './tenants.js'

const TENANTS = 12
const FEEDS_EACH = 3
/** Of each edition: an edition that no run has met would still be in the next ones. */
const ITEMS = 6
const SEED = 1

interface Finding {
  readonly id: string
  readonly severity: string
  readonly evidence: string
}

async function replicasOf(site: Site): Promise<Finding | undefined> {
  const { out } = await site.run(['doctor', '--json'])
  return (JSON.parse(out) as { findings: Finding[] }).findings.find(({ id }) => id === 'database.replicas')
}

async function queuesOf(site: Site): Promise<{ name: string; left: number }[]> {
  const { out } = await site.run(['queue', 'status', '--json'])
  const { queues } = JSON.parse(out) as {
    queues: { name: string; waiting: number; active: number; delayed: number; failed: number }[]
  }
  return queues.map(({ name, waiting, active, delayed, failed }) => ({ name, left: waiting + active + delayed + failed }))
}

test('phase Scale as it is rendered loses nothing when an API, a worker and the replica are killed under load', {
  timeout: 600_000,
}, async () => {
  const folder = temporaryFolder()
  const server = await startFeedServer({ items: ITEMS, itemBytes: 600, seed: SEED })
  onTestFinished(() => server.close())
  const site = await Site.start(folder)
  const unreadable = server.faultUrl('html')
  const tenants = await createTenants(site, server, { count: TENANTS, feedsEach: FEEDS_EACH, unreadable })
  await syncAll(site)
  await expect.poll(() => replicasOf(site)).toMatchObject({ severity: 'ok' })
  const app = await site.open()
  onTestFinished(() => app[Symbol.asyncDispose]())
  const board = await app.board()

  const report = join(folder, 'report.html')
  const bench = startBench(site, folder, tenants[0]?.token ?? '', report)
  let isMeasured = false
  void bench.ended.then(() => {
    isMeasured = true
  })
  const readers = new Readers(site, tenants, FEEDS_EACH * ITEMS)
  const syncing = new Syncing(site, server)
  await bench.says('12 users at')
  await grown(MACHINES, 20, machine => site.figure(machine, 'feedctl_api_requests_total{status="200"}'))
  await killApi(site, 'app-2', ['app-1', 'app-3'], 20)
  await killReplica(site, ['app-1', 'app-3'], 5)
  await killWorker(site, board, server)
  expect(isMeasured).toBe(false)
  await site.apis['app-2'].startAgain()
  await grown(['app-2'], 20, machine => site.figure(machine, 'feedctl_api_requests_total{status="200"}'))

  const measured = await bench.ended
  const runs = await syncing.end()
  const read = await readers.end()
  expect([read.failures, measured.err]).toEqual([[], expect.not.stringContaining('error:')])
  expect(measured.exit).toBe(0)
  const result = JSON.parse(measured.out) as BenchJson
  expect(faultsIn(result.rows as Parameters<typeof faultsIn>[0])).toEqual([])
  for (const { exit, report: told } of runs) {
    expect([exit, told.failures.map(({ url }) => url)]).toEqual([6, [unreadable]])
  }
  console.error(
    JSON.stringify({
      read,
      rows: result.rows.map(r => [r.metric, r.measured, r.why]),
      runs: runs.map(r => r.report.duration_ms),
    }),
  )
  expect(await queuesOf(site)).toEqual(expect.arrayContaining([{ name: 'sync', left: 0 }]))
  const published = postsPublished(server, tenants, { seed: SEED, items: ITEMS, editions: syncing.editions })
  expect(await postsStored(site)).toEqual(published)
  for (const tenant of tenants) {
    const ids = (await readAll(site, tenant)).map(({ id }) => id)
    expect([ids.length, new Set(ids).size]).toEqual(new Array(2).fill(FEEDS_EACH * (ITEMS + syncing.editions)))
  }
  await expectReport(report, result)

  await site.databases.replica.start()
  await expect.poll(() => replicasOf(site)).toMatchObject({ severity: 'ok' })
})
