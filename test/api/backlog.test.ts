import { readFile } from 'node:fs/promises'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { EventLog } from '../../src/analytics/log/driver.js'
import { showBacklog } from '../../src/api/backlog-gauges.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { ApiGround } from './ground.js'

/** The figures of what waits to be counted, as `/metrics` has them. */
async function figuresOf(ground: ApiGround): Promise<Record<string, string>> {
  const page = (await ground.ask('/metrics')).body.toString()
  const lines = page.match(/^feedctl_analytics_backlog_\w+ \S+$/gm) ?? []
  return Object.fromEntries(lines.map(line => line.replace('feedctl_analytics_backlog_', '').split(' ') as [string, string]))
}

const NONE = { batches: '0', bytes: '0', oldest_seconds: '0' }
const LATE = { FEEDCTL_ANALYTICS_DELAY_S: '3600' }

test('/metrics tells how many events wait to be counted, and since when', async () => {
  await using ground = await ApiGround.create(LATE)
  const token = await ground.tenant('acme')
  await expect.poll(() => figuresOf(ground)).toEqual(NONE)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ events: [{ kind: 'view', post_id: 1 }] })
  expect((await ground.ask('/v1/events', { method: 'POST', headers, body })).status).toBe(202)
  const some = expect.stringMatching(/[1-9]/)
  await expect.poll(() => figuresOf(ground)).toEqual({ batches: '1', bytes: some, oldest_seconds: some })
})

test('/metrics says nothing of events that wait in a Redis that is away, and the rest', async () => {
  await using redis = await startRedis()
  const env = { ...sharedRedisEnv(), ...redis.env, QUEUE_CONNECTION: 'redis', ...LATE }
  await using ground = await ApiGround.create(env)
  await expect.poll(() => figuresOf(ground)).toEqual(NONE)
  await redis.stop()
  await expect.poll(() => figuresOf(ground)).toEqual({})
  expect((await ground.ask('/metrics')).body.toString()).toContain('feedctl_api_processes 1')
  await redis.start()
  await expect.poll(async () => (await figuresOf(ground)).batches).toBe('0')
})

test('/metrics does not miss a log that has answered while this process was held up itself', async () => {
  const registry = new Registry()
  const backlog = async () => (await readFile(import.meta.filename)) && { batches: 3, bytes: 5, oldestAt: null }
  showBacklog(registry, async () => ({ backlog }) as unknown as EventLog)
  const page = registry.metrics()
  await new Promise(resolve => setImmediate(resolve))
  for (const begun = performance.now(); performance.now() - begun < 800; );
  expect(await page).toContain('feedctl_analytics_backlog_batches 3')
})
