import { describe, expect, test } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { until } from '../../src/kernel/retry.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { RedisCluster } from '../support/redis-cluster.js'
import { SlowFleet } from './slow-fleet.js'

const TIMEOUT_MS = 180_000
const TENANTS = 20

/** What happens to a node in the middle of a run. */
type Blow = (cluster: RedisCluster, queueKey: string) => Promise<void>

const killAndStart =
  (holdsQueue: boolean): Blow =>
  async (cluster, queueKey) => {
    const node = await cluster.nodeOf(queueKey, holdsQueue)
    await node.kill()
    await node.start()
  }

const replace =
  (holdsQueue: boolean): Blow =>
  async (cluster, queueKey) => {
    await cluster.replace(await cluster.nodeOf(queueKey, holdsQueue))
  }

/** The cluster wins over REDIS_URL, whose keys under the same prefix are what is cleaned up: there must be none. */
function settingsOn(cluster: RedisCluster): TestEnv {
  return { ...sharedRedisEnv(), ...cluster.env, QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' }
}

async function syncThrough(fleet: SlowFleet, flags: readonly string[], blow: () => Promise<void>): Promise<void> {
  fleet.server.resetStats()
  const sync = fleet.installation.start(['sync', '--all', '--json', ...flags])
  await until(async () => (fleet.server.stats().requests > 8 ? true : null), {
    everyMs: 20,
    withinMs: 60_000,
    late: () => new Failure('CHECK_FAILED', 'no source was asked in time'),
  })
  await blow()
  const end = await sync.ended
  expect(end).toMatchObject({ exit: 0 })
  expect(JSON.parse(end.out).tenants).toEqual({ total: fleet.tenants, ok: fleet.tenants, failed: 0, skipped: 0 })
  await fleet.expectComplete()
}

/** What doctor finds, by the check's id. */
async function severitiesOf({ installation }: SlowFleet): Promise<Map<string, string>> {
  const { out } = await installation.run(['doctor', '--json'])
  const { findings } = JSON.parse(out) as { findings: { id: string; severity: string }[] }
  return new Map(findings.map(({ id, severity }) => [id, severity]))
}

describe.concurrent('on a Redis Cluster, a sync by two workers ends with every tenant ok when', () => {
  test.each<[what: string, first: Blow, second: Blow]>([
    [
      'the node of the queue is killed and started again, and in the next run another is replaced by an empty one',
      killAndStart(true),
      replace(false),
    ],
    [
      'the node of the queue is replaced by an empty one, and in the next run another is killed and started again',
      replace(true),
      killAndStart(false),
    ],
  ])('%s', { timeout: TIMEOUT_MS }, async (_what, first, second) => {
    await using cluster = await RedisCluster.create()
    const settings = settingsOn(cluster)
    await using fleet = await SlowFleet.create(settings, TENANTS)
    const flags = ['--concurrency', '2']
    const workers = [await fleet.installation.startWorker(flags), await fleet.installation.startWorker(flags)]
    const queueKey = `{${settings.FEEDCTL_REDIS_PREFIX}}:sync:wait`
    await syncThrough(fleet, [], () => first(cluster, queueKey))
    await syncThrough(fleet, ['--force'], () => second(cluster, queueKey))
    await cluster.untilWhole()
    // A consumer that waited on the node that was replaced comes back when it has noticed.
    const severities = await until(
      async () => {
        const found = await severitiesOf(fleet)
        return found.get('queues.consuming') === 'ok' ? found : null
      },
      { everyMs: 500, withinMs: 60_000, late: () => new Failure('CHECK_FAILED', 'a queue is not consumed in time') },
    )
    // The node that was replaced is still named by the settings.
    const asked = ['redis.reachable', 'redis.append-only', 'redis.cluster']
    expect(asked.map(id => severities.get(id))).toEqual(['ok', 'ok', 'warn'])
    for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ exit: 143 })
  })
})
