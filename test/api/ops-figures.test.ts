import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { NearAnswers } from '../../src/api/answers/near.js'
import { AnswerTally } from '../../src/api/answers/tally.js'
import { ApiMetrics } from '../../src/api/metrics.js'
import { healthOf } from '../../src/api/ops/health.js'
import { LiveFeed } from '../../src/api/ops/live.js'
import { phaseGauge } from '../../src/api/ops/phase-gauge.js'
import { countersOf, NO_RATES, RateMeter, ratesBetween } from '../../src/api/ops/rates.js'
import { Log } from '../../src/kernel/log.js'
import { readPasswordHash } from '../../src/kernel/password-hash.js'
import { overviewOf, queueOf, sourcesOf, tenantsOf } from '../watch/made-up.js'

test.each([
  [0, { name: 'mvp', limit: 100, usedPercent: 0, next: 'growth' }],
  [100, { name: 'mvp', limit: 100, usedPercent: 100, next: 'growth' }],
  [101, { name: 'growth', limit: 500, usedPercent: 20, next: 'scale' }],
  [2_000, { name: 'scale', limit: 2_000, usedPercent: 100, next: 'enterprise' }],
  [50_000, { name: 'enterprise', limit: null, usedPercent: null, next: null }],
])('%i tenants put an installation in a phase, so far', (tenants, gauge) => {
  expect(phaseGauge(tenants)).toEqual({ tenants, ...gauge })
})

test('an installation needs a look when an alert stands, nobody works on what waits, a queue is paused, or most tenants or sources fail', () => {
  expect(healthOf(overviewOf())).toEqual({ state: 'ok', reasons: [] })
  const queues = [
    queueOf('sync', { waiting: 3 }),
    queueOf('media', { paused: true }),
    queueOf('analytics', { waiting: 3, workers: 1 }),
  ]
  const alerts = [{ name: 'sync.overdue', message: 'm', since: 0 }]
  const tenants = tenantsOf({ active: 3, failing: 2 })
  const sources = sourcesOf({ total: 12, retired: 7, failing: 3 })
  expect(healthOf(overviewOf({ queues, alerts, tenants, sources }))).toEqual({
    state: 'attention',
    reasons: [
      'alert sync.overdue stands',
      'nobody works on what waits in sync',
      'media is paused',
      'the newest sync of most tenants failed, or some of its feeds',
      'most sources fail',
    ],
  })
  const half = { tenants: tenantsOf({ active: 4, failing: 2 }), sources: sourcesOf({ total: 4, failing: 2 }) }
  expect(healthOf(overviewOf(half)).state).toBe('ok')
  expect(healthOf(overviewOf({ tenants: tenantsOf({ active: 0 }), sources: sourcesOf({ total: 0 }) })).state).toBe('ok')
  expect(healthOf(overviewOf({ driver: 'sync', queues: [queueOf('sync', { waiting: 3 })] })).state).toBe('ok')
})

test('rates are told from what the process counted between two looks, and not from one', async () => {
  const metrics = new ApiMetrics()
  onTestFinished(() => metrics.close())
  const tally = new AnswerTally(new NearAnswers(0))
  metrics.countAnswers(tally)
  const clock = { now: 1_000_000 }
  const meter = new RateMeter(
    async () => countersOf(await metrics.counted()),
    () => clock.now,
  )
  expect(await meter.read()).toEqual(NO_RATES)
  for (let times = 0; times < 40; times++) metrics.answered(times % 4 === 0 ? 503 : 200)
  Object.assign(tally, { near: 4, lane: 1, far: 1, built: 1, stale: 1 })
  metrics.events.inc({ outcome: 'accepted' }, 100)
  metrics.events.inc({ outcome: 'behind' }, 4)
  for (let times = 0; times < 19; times++) metrics.seconds.observe({ route: '/v1/posts' }, 0.02)
  metrics.seconds.observe({ route: '/v1/feeds' }, 3)
  clock.now += 2_000
  expect(await meter.read()).toEqual({
    requestsPerS: 20,
    errorsPerS: 5,
    hitRatio: 0.75,
    p95Ms: 25,
    acceptedPerS: 50,
    refusedPerS: 2,
  })
  clock.now += 60_000
  expect(await meter.read()).toEqual(NO_RATES)
})

test('a request that took longer than is measured leaves its share untold', () => {
  const none = { requests: 0, errors: 0, kept: 0, built: 0, accepted: 0, refused: 0, behind: 0 }
  const before = { ...none, buckets: [] }
  const after = {
    ...none,
    buckets: [
      [10, 0],
      [Number.POSITIVE_INFINITY, 5],
    ] as const,
  }
  expect(ratesBetween(before, after, 1_000).p95Ms).toBeNull()
})

const salt = 'a'.repeat(22)
const hash = 'b'.repeat(43)
test.each([
  ['as it is printed', `scrypt:15:8:3:${salt}:${hash}`, true],
  ['as dear as may be', `scrypt:18:8:4:${salt}:${hash}`, true],
  ['that takes no memory', `scrypt:10:8:1:${salt}:${hash}`, false],
  ['that takes all memory', `scrypt:18:16:1:${salt}:${hash}`, false],
  ['that takes for ever', `scrypt:15:8:64:${salt}:${hash}`, false],
  ['with a short salt', `scrypt:15:8:1:${salt.slice(4)}:${hash}`, false],
  ['with a short hash', `scrypt:15:8:1:${salt}:${hash.slice(4)}`, false],
  ['of another kind', `argon2:15:8:1:${salt}:${hash}`, false],
  ['that is a password', 'correct horse', false],
])('a hash %s', (_what, text, sane) => {
  expect(readPasswordHash(text) !== null).toBe(sane)
})

test('of those who listen no more than a hundred are let in, and what cannot be read is told to all', async () => {
  const lines: string[] = []
  let fails = true
  const read = async () => {
    if (fails) throw new Error('a bug with /a/path in it')
    return { json: '{"at":1}' }
  }
  const live = new LiveFeed(read, new Log(line => lines.push(line)), 20)
  const server = createServer((_request, response) => live.join(response, {}, async () => true))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const heard = Array.from({ length: 100 }, () => listenTo((server.address() as AddressInfo).port))
  await expect.poll(() => live.size).toBe(100)
  expect(() => live.refuseWhenFull()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  await expect
    .poll(() => heard.every(text => text().includes('event: trouble\ndata: {"code":"BUG","message":"a bug in feedctl"}')))
    .toBe(true)
  expect(lines.join()).toContain('a bug with /a/path in it')
  fails = false
  await expect.poll(() => heard.every(text => text().split('event: overview').length > 2)).toBe(true)
  live.close()
  expect(live.size).toBe(0)
  expect(() => live.refuseWhenFull()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
})

test('who has gone before being let in is not told anything', async () => {
  const live = new LiveFeed(async () => ({ json: '{}' }), new Log(() => {}), 20)
  const joined = new Promise<number>(resolve => {
    const server = createServer((request, response) => {
      response.once('close', () => {
        live.join(response, {}, async () => true)
        resolve(live.size)
      })
      request.destroy()
    })
    onTestFinished(() => void server.close())
    server.listen(0, '127.0.0.1', () => listenTo((server.address() as AddressInfo).port))
  })
  expect(await joined).toBe(0)
})

function listenTo(port: number): () => string {
  let text = ''
  get({ host: '127.0.0.1', port, agent: false }, response => response.on('data', chunk => (text += chunk))).on('error', () => {})
  return () => text
}
