import { expect, onTestFinished, test } from 'vitest'
import { startFeedServer } from '../../../src/bench/feed-server/server.js'
import { faultsIn } from '../../bench/bench-runs.js'
import { temporaryFolder } from '../../support/folders.js'
import { postsPublished, postsStored } from './content.js'
import { grown, killApi, killReplica, killWorker } from './deaths.js'
import { postsBy, replicasOf, undone } from './leftovers.js'
import { type BenchJson, expectReport, Measuring, USERS } from './measuring.js'
import { Readers, readAll } from './readers.js'
import { MACHINES } from './rendered.js'
import { requestsOf } from './requests.js'
import { Site } from './site.js'
import { Syncing, syncAll } from './syncing.js'
import { createTenants } from './tenants.js'

const TENANTS = 12
const FEEDS_EACH = 3
/** Of each edition: one that no run has met would still be in the next ones. */
const ITEMS = 6
const SEED = 1
const ANSWERED = 'feedctl_api_requests_total{status="200"}'
const READ_THERE = 'feedctl_api_reads_total{place="replica"}'

test('phase Scale as it is rendered loses nothing when an API, a worker and the replica are killed under load', {
  timeout: 600_000,
}, async ({ annotate }) => {
  const folder = temporaryFolder()
  const server = await startFeedServer({ items: ITEMS, itemBytes: 600, seed: SEED })
  onTestFinished(() => server.close())
  const site = await Site.start(folder)
  const unreadable = server.faultUrl('html')
  const tenants = await createTenants(site, server, { count: TENANTS, feedsEach: FEEDS_EACH, unreadable })
  await syncAll(site)
  await expect.poll(() => replicasOf(site)).toMatchObject({ severity: 'ok' })

  const readers = new Readers(site, tenants, FEEDS_EACH * ITEMS)
  const measuring = new Measuring(site, folder, tenants[0]?.token ?? '')
  const syncing = new Syncing(site, server)
  await measuring.begun()
  await grown(MACHINES, 20, machine => site.figure(machine, ANSWERED))
  await expect.poll(() => syncing.count).toBeGreaterThan(0)
  await killWorker(site, server)
  await killApi(site, 'app-2', ['app-1', 'app-3'], 20)
  await killReplica(site, ['app-1', 'app-3'], 5)

  await site.apis['app-2'].startAgain()
  await grown(['app-2'], 20, machine => site.figure(machine, ANSWERED))
  const benches = await measuring.end()
  await site.databases.replica.start()
  await grown(MACHINES, 5, machine => site.figure(machine, READ_THERE))
  const syncs = await syncing.end()
  const read = await readers.end()

  for (const { exit, out, err, report } of benches) {
    expect(exit, err).toBe(0)
    const result = JSON.parse(out) as BenchJson
    expect(faultsIn(result.rows)).toEqual([])
    await expectReport(report, result)
    await annotate(result.rows.map(({ metric, measured }) => `${metric} ${measured}`).join(', '))
  }
  expect(read.failures).toEqual([])

  for (const { exit, report } of syncs) expect([exit, report.failures.map(({ url }) => url)]).toEqual([6, [unreadable]])
  expect(await undone(site)).toEqual([])
  const published = postsPublished(server, tenants, { seed: SEED, items: ITEMS, editions: syncing.editions })
  expect(await postsStored(site)).toEqual(published)
  for (const tenant of tenants) {
    const ids = (await readAll(site, tenant)).map(({ id }) => id)
    expect([ids.length, new Set(ids).size]).toEqual(new Array(2).fill(FEEDS_EACH * (ITEMS + syncing.editions)))
  }
  const requests = await requestsOf(site)
  expect(requests.others).toEqual({})
  expect(requests.answered).toBeGreaterThan(read.answered)
  expect(requests.left).toBeLessThanOrEqual(USERS * benches.length)
  expect(requests.askedAgain).toBeGreaterThan(0)
  await expect.poll(() => replicasOf(site)).toMatchObject({ severity: 'ok' })
  const { primary, replica } = site.databases
  expect(await postsBy(replica)).toEqual(await postsBy(primary))
  const sum = { syncs: syncs.map(({ report }) => report.duration_ms), posts: published.length, read, requests }
  await annotate(JSON.stringify(sum))
})
