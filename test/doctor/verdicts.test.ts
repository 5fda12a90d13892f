import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/doctor/check.js'
import { judgeSkew, type Skew } from '../../src/doctor/checks/clock.js'
import { judgeConnections, judgeDurability, judgeSchema } from '../../src/doctor/checks/database.js'
import { judgeSpace } from '../../src/doctor/checks/disk.js'
import { judgeMoves, type MoveFact } from '../../src/doctor/checks/moves.js'
import { judgeNode } from '../../src/doctor/checks/node.js'
import { judgeAges, judgeSupervisors } from '../../src/doctor/checks/processes.js'
import { judgeFailed, judgeQuarantine, judgeQueues, type QueueSight } from '../../src/doctor/checks/queues.js'
import { judgeAppendOnly, judgeMemory, judgePolicy, judgeVersions } from '../../src/doctor/checks/redis.js'
import { judgeCluster } from '../../src/doctor/checks/redis-cluster.js'
import { judgeSchedule } from '../../src/doctor/checks/schedule.js'
import { judgeDrivers, judgeSessions } from '../../src/doctor/checks/settings.js'
import { judgeSources } from '../../src/doctor/checks/sources.js'
import { type NodeFacts, nodeFacts } from '../../src/doctor/redis-facts.js'
import { thisMachine } from '../../src/kernel/holder.js'
import { expectVerdict, judges } from './judges.js'

const GOOD: NodeFacts = {
  node: 'a:1',
  version: '7.0.15',
  usedBytes: 1_000_000,
  maxBytes: 0,
  policy: 'noeviction',
  appendOnly: true,
  appendFsync: 'everysec',
}
const node = (changes: Partial<NodeFacts>): NodeFacts => ({ ...GOOD, ...changes })
const MB = 1_000_000

describe('what is found of Redis', () => {
  judges([
    [() => judgeVersions([GOOD, node({ version: '6.2.0' })]), 'ok', 'Redis 7.0.15, 6.2.0'],
    [() => judgeVersions([GOOD, node({ version: '6.0.16', node: 'b:2' })]), 'fail', '6.0.16 on b:2'],
    [() => judgeVersions([node({ version: '10.0.0' })]), 'ok', '10.0.0'],
    [() => judgeAppendOnly([GOOD], true), 'ok', 'everysec'],
    [() => judgeAppendOnly([node({ appendFsync: null })], true), 'ok', 'not told'],
    [() => judgeAppendOnly([GOOD, node({ appendOnly: false, node: 'b:2' })], true), 'warn', 'b:2'],
    [() => judgeAppendOnly([node({ appendFsync: 'no' })], true), 'warn', 'appendfsync is no on a:1'],
    [() => judgeAppendOnly([node({ appendOnly: false })], false), 'ok', 'only the cache'],
    [() => judgePolicy([GOOD], true), 'ok', 'noeviction'],
    [() => judgePolicy([GOOD, node({ policy: 'allkeys-lru', node: 'b:2' })], true), 'fail', 'allkeys-lru on b:2'],
    [() => judgePolicy([node({ policy: 'allkeys-lru' })], false), 'ok', 'only the cache'],
    [() => judgeMemory([GOOD]), 'ok', 'no maxmemory'],
    [() => judgeMemory([node({ usedBytes: 80 * MB, maxBytes: 100 * MB })]), 'ok', '80 %'],
    [() => judgeMemory([node({ usedBytes: 81 * MB, maxBytes: 100 * MB })]), 'warn', '81 %'],
    [() => judgeMemory([node({ usedBytes: 95 * MB, maxBytes: 100 * MB })]), 'warn', '95 %'],
    [() => judgeMemory([GOOD, node({ usedBytes: 96 * MB, maxBytes: 100 * MB, node: 'b:2' })]), 'fail', 'b:2'],
  ])

  const info = (state: string, slots: number) => `cluster_state:${state}\r\ncluster_slots_ok:${slots}\r\n`
  it.each<[views: Parameters<typeof judgeCluster>[0], severity: Verdict['severity'], words: string]>([
    [[{ node: 'a:1', info: info('ok', 16_384) }], 'ok', 'all 16384 slots served'],
    [
      [
        { node: 'a:1', info: info('ok', 16_384) },
        { node: 'b:2', why: 'ECONNREFUSED' },
      ],
      'warn',
      'b:2 (ECONNREFUSED)',
    ],
    [
      [
        { node: 'a:1', info: info('fail', 10_923) },
        { node: 'b:2', why: 'ECONNREFUSED' },
      ],
      'fail',
      'down, 10923 of 16384',
    ],
    [
      [
        { node: 'a:1', info: info('ok', 16_384) },
        { node: 'b:2', info: info('ok', 16_383) },
      ],
      'fail',
      '16383 of 16384',
    ],
    [[{ node: 'a:1', why: 'ECONNREFUSED' }], 'fail', 'no node answers'],
  ])('as a cluster of %j is %s', (views, severity, words) => expectVerdict(judgeCluster(views), severity, words))

  it('is read from what INFO answers', () => {
    const text = [
      '# Server',
      'redis_version:7.2.4',
      '# Memory',
      'used_memory:1234',
      'maxmemory:9999',
      'maxmemory_policy:volatile-lru',
      'maxmemory_human:9.76K',
      'aof_enabled:1',
    ]
    expect(nodeFacts('a:1', text.join('\r\n'), null)).toEqual({
      node: 'a:1',
      version: '7.2.4',
      usedBytes: 1234,
      maxBytes: 9999,
      policy: 'volatile-lru',
      appendOnly: true,
      appendFsync: null,
    })
  })
})

describe('what is found of the database', () => {
  const on = (dbConnection: 'sqlite' | 'mysql') => ({ dbConnection, dbDatabase: 'feedctl' })
  judges([
    [() => judgeSchema({ kind: 'current', version: 3 }, on('mysql')), 'ok', 'schema 3'],
    [() => judgeSchema({ kind: 'missing' }, on('mysql')), 'fail', 'no catalog feedctl'],
    [() => judgeSchema({ kind: 'missing' }, on('sqlite')), 'ok', 'the first command makes it'],
    [() => judgeSchema({ kind: 'behind', version: 1 }, on('mysql')), 'fail', 'schema 1'],
    [() => judgeSchema({ kind: 'behind', version: 1 }, on('sqlite')), 'warn', 'schema 1'],
    [() => judgeSchema({ kind: 'newer', version: 99 }, on('sqlite')), 'fail', 'schema 99'],
    [() => judgeSchema({ kind: 'taken' }, on('mysql')), 'fail', "not feedctl's"],
    [() => judgeConnections({ maxConnections: 100, connections: 5 }, 8, 99, 80), 'ok', 'all processes together may open 80'],
    [() => judgeConnections({ maxConnections: 100, connections: 5 }, 8, 1, 81), 'warn', 'may open 81, as the budget'],
    [() => judgeConnections({ maxConnections: 100, connections: 5 }, 8, 1, 101), 'fail', 'may open 101, as the budget'],
    [() => judgeConnections({ maxConnections: 151, connections: 9 }, 8, 4), 'ok', 'may open 32'],
    [() => judgeConnections({ maxConnections: 151, connections: 9 }, 8, 16), 'warn', 'may open 128'],
    [() => judgeConnections({ maxConnections: 151, connections: 140 }, 8, 1), 'warn', '140 are open'],
    [() => judgeConnections({ maxConnections: 151, connections: 9 }, 200, 1), 'fail', 'may open 200'],
    [() => judgeDurability(1), 'ok', 'is 1'],
    [() => judgeDurability(2), 'warn', 'is 2'],
    [() => judgeDurability(0), 'warn', 'is 0'],
  ])
})

describe('what is found of the queues', () => {
  const sees = (
    changes: Partial<QueueSight> & { queue?: 'sync' | 'media'; consuming?: boolean; afterMs?: number | null },
  ): QueueSight => ({
    waiting: 0,
    paused: false,
    workers: 1,
    health: {
      queue: changes.queue ?? 'sync',
      consuming: changes.consuming ?? true,
      afterMs: changes.afterMs ?? null,
      why: 'because',
    },
    ...changes,
  })
  const alive = sees({ afterMs: 12 })

  it.each<[sights: QueueSight[], severity: Verdict['severity'], words: string]>([
    [[alive, sees({ queue: 'media', afterMs: 9 })], 'ok', 'sync answers in 12 ms, media answers in 9 ms'],
    [[sees({})], 'ok', 'sync: because'],
    [[sees({ workers: 0 }), sees({ queue: 'media', workers: 0 })], 'fail', 'no worker consumes any queue'],
    [[alive, sees({ queue: 'media', workers: 0 })], 'warn', 'nobody consumes media (0 wait)'],
    [[alive, sees({ queue: 'media', workers: 0, waiting: 3 })], 'fail', 'nobody consumes media (3 wait)'],
    [[sees({ workers: 0 }), sees({ queue: 'media', afterMs: 9 })], 'fail', 'nobody consumes sync'],
    [[sees({ paused: true }), sees({ queue: 'media', afterMs: 9 })], 'warn', 'sync is paused'],
    [[sees({ paused: true }), sees({ queue: 'media', consuming: false })], 'fail', 'sync is paused, media: because'],
  ])('seen as %j is %s', (sights, severity, words) => expectVerdict(judgeQueues(sights), severity, words))

  const failures = (count: number, ageMs: number) =>
    Array.from({ length: count }, (_, n) => ({
      fingerprint: n % 3 ? 'many' : 'few',
      failedAt: 1e12 - ageMs,
      reason: `R${n % 3 ? 1 : 0}`,
    }))
  it('are failures when there are many of the last day, the most frequent kind by name', () => {
    const judge = (count: number, ageMs: number, more = false) => judgeFailed({ failed: failures(count, ageMs), more }, 1e12)
    expectVerdict(judge(99, 0), 'ok', '99 jobs failed')
    expectVerdict(judge(1_500, 90_000_000), 'ok', ' h, 1500 in all')
    expectVerdict(judge(2_000, 90_000_000, true), 'ok', '0 jobs failed in the last 24 h, at least 2000 in all')
    expectVerdict(judge(300, 1_000), 'warn', '300 jobs failed in the last 24 h, 200 of them alike: R1')
    expectVerdict(judge(2_000, 1_000, true), 'warn', 'at least 2000 jobs failed')
  })

  it('is a warning for any job in quarantine', () => {
    expectVerdict(judgeQuarantine([]), 'ok', 'no job')
    const jobs = ['a', 'b', 'c', 'd'].map(id => ({ id, name: 'Sync' }))
    expectVerdict(
      judgeQuarantine(jobs),
      'warn',
      '4 jobs in quarantine, as they killed their workers: Sync a, Sync b, Sync c and 1 more',
    )
  })

  it.each<[standing: { id: string; nextAt: number }[], severity: Verdict['severity'], words: string]>([
    [
      [
        { id: 'a', nextAt: 1_060_000 },
        { id: 'b', nextAt: 990_000 },
      ],
      'ok',
      'a in 1 min, b in 0 ms',
    ],
    [[{ id: 'a', nextAt: 1_060_000 }], 'warn', 'only a part begins by itself: not b'],
    [[], 'ok', 'nothing begins by itself in Redis: cron has to'],
    [[{ id: 'older', nextAt: 1_060_000 }], 'ok', 'nothing begins by itself'],
    [
      [
        { id: 'a', nextAt: 1_060_000 },
        { id: 'b', nextAt: 400_000 },
      ],
      'warn',
      'b since 10 min',
    ],
  ])('with the schedule %j is %s', (standing, severity, words) => {
    expectVerdict(judgeSchedule(standing, ['a', 'b'], 1_000_000), severity, words)
  })
})

describe('what is found of the processes', () => {
  const here = `${thisMachine()}:7:token`
  const worker = (id: string, startedAt: number, supervisor: string | null = null) => ({ id, startedAt, supervisor })
  const supervisor = { id: 'host:1:s', workers: 2, ceiling: 4, state: 'working' as const }
  judges([
    [() => judgeNode('20.19.0'), 'ok', '20.19.0'],
    [() => judgeNode('24.1.0'), 'ok', '24.1.0'],
    [() => judgeNode('20.18.9'), 'fail', '20.19'],
    [() => judgeNode('18.20.0'), 'fail', '18.20.0'],
    [() => judgeAges([], 0, 1), 'ok', 'no worker runs'],
    [() => judgeAges([worker(here, 500_000)], 400_000, 800_000), 'ok', '1 worker, the oldest since 5 min'],
    [() => judgeAges([worker(here, 300_000)], 400_000, 800_000), 'warn', 'pid 7'],
    [() => judgeAges([worker('elsewhere:7:token', 300_000)], 400_000, 800_000), 'ok', '1 worker'],
    [() => judgeSupervisors([supervisor], [worker('h:2:w', 0, supervisor.id)]), 'ok', 'pid 1 on host working, 2 of at most 4'],
    [() => judgeSupervisors([], [worker('h:2:w', 0)]), 'ok', 'no supervisor; 1 worker'],
    [() => judgeSupervisors([], []), 'warn', 'neither'],
    [() => judgeSupervisors([supervisor], [worker('h:2:w', 0, 'host:9:gone')]), 'warn', 'pid 2 on h'],
  ])
})

describe('what is found of the rest', () => {
  const skew = (aheadMs: number, tookMs = 2, of = 'Redis'): Skew => ({ of, aheadMs, tookMs })
  const GB = 1_000 * MB
  judges([
    [() => judgeSkew([skew(1_900)]), 'ok', 'Redis agrees'],
    [
      () => judgeSkew([skew(3_000), skew(0, 1, 'the database')]),
      'warn',
      'Redis is 3.0 s ahead of this machine, the database agrees',
    ],
    [() => judgeSkew([skew(-3_000)]), 'warn', 'behind'],
    [() => judgeSkew([skew(3_000, 4_000)]), 'ok', 'agrees'],
    [() => judgeSkew([skew(-31_000), skew(3_000)]), 'fail', '31.0 s behind'],
    [() => judgeSpace({ freeBytes: 50 * GB, totalBytes: 1_000 * GB }, '/d'), 'ok', '50.0 GB of 1000.0 GB free under /d'],
    [() => judgeSpace({ freeBytes: 2 * GB, totalBytes: 1_000 * GB }, '/d'), 'warn', '2.0 GB'],
    [() => judgeSpace({ freeBytes: 0.2 * GB, totalBytes: 1_000 * GB }, '/d'), 'fail', '200.0 MB'],
    [() => judgeSpace({ freeBytes: 0.9 * GB, totalBytes: 5 * GB }, '/d'), 'ok', '900.0 MB'],
    [() => judgeSources({ total: 0, failing: 0 }), 'ok', '0 of 0'],
    [() => judgeSources({ total: 9, failing: 9 }), 'ok', '9 of 9'],
    [() => judgeSources({ total: 100, failing: 20 }), 'ok', '20 of 100'],
    [() => judgeSources({ total: 100, failing: 21 }), 'warn', '21 of 100'],
    [() => judgeDrivers({ dbConnection: 'mysql', cacheDriver: 'redis', queueConnection: 'redis' }), 'ok', 'cache redis'],
    [() => judgeDrivers({ dbConnection: 'sqlite', cacheDriver: 'memory', queueConnection: 'sync' }), 'ok', 'queue sync'],
    [() => judgeDrivers({ dbConnection: 'mysql', cacheDriver: 'memory', queueConnection: 'redis' }), 'warn', 'CACHE_DRIVER'],
    [() => judgeSessions({ sessionDriver: 'memory', cacheDriver: 'memory' }), 'ok', 'in memory'],
    [() => judgeSessions({ sessionDriver: 'redis', cacheDriver: 'memory' }), 'ok', 'in redis'],
    [() => judgeSessions({ sessionDriver: 'memory', cacheDriver: 'redis' }), 'warn', 'one process'],
  ])
})

describe('moves', () => {
  const now = 1_800_000_000_000
  const mine = `${thisMachine()}:${process.pid}:x`
  const copying: MoveFact = { slug: 'acme', state: 'copying', holder: mine, keep_until: null, fences: false }
  const kept: MoveFact = { slug: 'kept', state: 'switched', holder: null, keep_until: now + 1, fences: false }

  it('are in order while somebody works on them, and old copies are not overdue', () => {
    expectVerdict(judgeMoves([copying, kept], now), 'ok', '1 move under way, old copies of 1 move kept')
  })

  it('are a warning when nobody works on them, those that hold writers off by name', () => {
    const left = { ...copying, holder: null }
    expectVerdict(judgeMoves([left, kept], now), 'warn', 'nobody works on the moves of acme')
    const fencing = { ...left, slug: 'fenced', holder: `${thisMachine()}:999999999:x`, fences: true }
    expectVerdict(judgeMoves([left, fencing], now), 'warn', 'hold writers off: fenced')
  })

  it('are a warning when an old copy is kept for days after its time', () => {
    expectVerdict(judgeMoves([{ ...kept, keep_until: now - 2 * 86_400_000 }], now), 'warn', 'longer than was asked for: kept')
  })
})
