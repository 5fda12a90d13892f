import { expect, test } from 'vitest'
import { renderFeed } from '../../src/bench/feed-server/documents.js'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { Failure } from '../../src/kernel/errors.js'
import { until } from '../../src/kernel/retry.js'
import type { Board } from '../../src/queues/index.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { contentOf } from './content.js'
import { Installation } from './installation.js'
import { startPublisher } from './publisher.js'
import { isAlive } from './supervision.js'

const DEATHS = 2
const POISON = '/poison.xml'
const NEIGHBOURS = 12

interface FailedJson {
  readonly failed: readonly { id: string; tenant: string; reason: string; quarantined: boolean; history: readonly string[] }[]
}

/** Kills the worker that runs the tenant's job, as a document would that takes all the memory there is. The card of one that died before may still be there. */
async function killWorkerOf(board: Board, tenantId: number): Promise<void> {
  await until(
    async () => {
      const cards = (await board.workers()).filter(card => card.jobs.some(job => job.tenantId === tenantId))
      const pid = cards.map(card => card.pid).find(isAlive)
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      return pid ?? null
    },
    { everyMs: 50, withinMs: 60_000, late: () => new Failure('CHECK_FAILED', 'no worker had the job') },
  )
}

test('a job that kills its workers is put in quarantine with its history, its queue goes on, and a retry lets it out', {
  timeout: 240_000,
}, async () => {
  const { body } = renderFeed({ seed: 1, source: 1, edition: 0, items: 3, itemBytes: 200, format: 'rss', origin: '' })
  await using server = await startFeedServer({ items: 3 })
  const held: { deadly: boolean; killing: Promise<void>[]; kill: () => Promise<void> } = {
    deadly: true,
    killing: [],
    kill: async () => {},
  }
  await using publisher = await startPublisher((_path, response) => {
    if (!held.deadly) response.end(body)
    else held.killing.push(held.kill())
  })
  await using installation = await Installation.create({
    ...sharedRedisEnv(),
    QUEUE_CONNECTION: 'redis',
    CACHE_DRIVER: 'redis',
    FEEDCTL_QUARANTINE_AFTER: String(DEATHS),
  })
  await installation.createTenant('poison', [publisher.urlOf(POISON)])
  for (let n = 0; n < NEIGHBOURS; n++) await installation.createTenant(`acme-${n}`, [server.urlOf(n)])
  await using app = await installation.open()
  const board = await app.board()
  held.kill = () => killWorkerOf(board, 1)
  const supervisor = installation.start(['queue', 'supervise', '--min', '2', '--max', '2', '--concurrency', '2', '--no-schedule'])
  await expect.poll(async () => (await board.workers()).length, { timeout: 60_000 }).toBe(2)

  const { exit, report } = await installation.sync('--all')
  expect(exit).toBe(6)
  expect(report.tenants).toEqual({ total: NEIGHBOURS + 1, ok: NEIGHBOURS, failed: 1, skipped: 0 })
  expect(report.failures).toMatchObject([{ tenant: 'poison', code: 'JOB_QUARANTINED' }])
  await Promise.all(held.killing)
  expect(held.killing).toHaveLength(DEATHS)

  const { failed } = JSON.parse((await installation.run(['queue', 'failed', '--json'])).out) as FailedJson
  expect(failed).toMatchObject([{ tenant: 'poison', quarantined: true }])
  expect(failed[0]?.history).toHaveLength(DEATHS)
  for (const line of failed[0]?.history ?? []) expect(line).toContain('SIGKILL')

  const again = await installation.sync('--all')
  expect(again.report.failures).toMatchObject([{ tenant: 'poison', code: 'JOB_QUARANTINED' }])
  expect(held.killing).toHaveLength(DEATHS)

  held.deadly = false
  expect(await installation.run(['queue', 'retry', failed[0]?.id ?? ''])).toMatchObject({ exit: 0 })
  await expect.poll(async () => (await contentOf(installation)).poison?.posts.length, { timeout: 60_000 }).toBe(3)
  const { exit: last, report: healed } = await installation.sync('--all')
  expect([last, healed.tenants]).toEqual([0, { total: NEIGHBOURS + 1, ok: NEIGHBOURS + 1, failed: 0, skipped: 0 }])
  expect(await supervisor.end('SIGTERM')).toMatchObject({ exit: 143 })
})
