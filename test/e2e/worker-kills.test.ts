import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import type { Board } from '../../src/queues/index.js'
import { sharedMariadbEnv, sharedRedisEnv } from '../support/drivers.js'
import { Installation } from './installation.js'
import { expectEveryPostOnce, furnish } from './many-tenants.js'
import { isAlive } from './supervision.js'

const KILLING_MS = 60_000
const TENANTS = 2_000
const WORKERS = 3
const ITEMS = 2

/** Kills a random worker process of the installation with SIGKILL every second; answers how many. How many there are by then depends on the machine. */
async function killWorkers(board: Board, until: number): Promise<number> {
  const killed = new Set<number>()
  while (Date.now() < until) {
    const alive = (await board.workers()).filter(card => !killed.has(card.pid) && isAlive(card.pid))
    const victim = alive[Math.floor(Math.random() * alive.length)]
    if (victim !== undefined) {
      killed.add(victim.pid)
      process.kill(victim.pid, 'SIGKILL')
    }
    await pause(1_000)
  }
  return killed.size
}

test('random workers are killed every second for a minute while 2,000 jobs run: every tenant is synced, every post is there once', {
  timeout: 900_000,
}, async () => {
  await using server = await startFeedServer({ items: ITEMS, latencyMs: 200 })
  await using installation = await Installation.create({
    ...sharedMariadbEnv(),
    ...sharedRedisEnv(),
    QUEUE_CONNECTION: 'redis',
    CACHE_DRIVER: 'redis',
    FEEDCTL_FETCH_PER_HOST: '64',
    FEEDCTL_DB_POOL: '4',
  })
  await furnish(installation, server, TENANTS, 1)
  await using app = await installation.open()
  const board = await app.board()
  const supervisor = installation.start([
    'queue',
    'supervise',
    ...['--min', String(WORKERS), '--max', String(WORKERS)],
    '--concurrency',
    '3',
    '--no-schedule',
    '--json',
  ])
  await expect.poll(async () => (await board.workers()).length, { timeout: 60_000 }).toBe(WORKERS)
  const sync = installation.start(['sync', '--all', '--json'])
  const killed = await killWorkers(board, Date.now() + KILLING_MS)
  const end = await sync.ended
  expect(end).toMatchObject({ exit: 0 })
  expect(JSON.parse(end.out).tenants).toEqual({ total: TENANTS, ok: TENANTS, failed: 0, skipped: 0 })
  await expectEveryPostOnce(installation, { tenants: TENANTS, feedsEach: 1, items: ITEMS })
  const { exit, out, err } = await supervisor.end('SIGTERM')
  expect(exit).toBe(143)
  const { started, died } = JSON.parse(out)
  // Every worker but the last ones was killed, those in the place of others too, and no kill was missed.
  expect(err.match(/a worker died: killed by SIGKILL/g) ?? []).toHaveLength(killed)
  expect(killed).toBeGreaterThan(WORKERS)
  expect(started - died).toBeLessThanOrEqual(WORKERS)
  expect(await board.workers()).toEqual([])
})
