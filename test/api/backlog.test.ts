import { expect, test } from 'vitest'
import { sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { ApiGround } from './ground.js'

/** The figures of what waits to be counted, as `/metrics` has them. */
async function figuresOf(ground: ApiGround): Promise<Record<string, string>> {
  const page = (await ground.ask('/metrics')).body.toString()
  const lines = page.match(/^feedctl_analytics_backlog_\w+ \S+$/gm) ?? []
  return Object.fromEntries(lines.map(line => line.replace('feedctl_analytics_backlog_', '').split(' ') as [string, string]))
}

const LATE = { FEEDCTL_ANALYTICS_DELAY_S: '3600' }

test('/metrics tells how many events wait to be counted, and since when', async () => {
  await using ground = await ApiGround.create(LATE)
  const token = await ground.tenant('acme')
  expect(await figuresOf(ground)).toEqual({ batches: '0', bytes: '0', oldest_seconds: '0' })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ events: [{ kind: 'view', post_id: 1 }] })
  expect((await ground.ask('/v1/events', { method: 'POST', headers, body })).status).toBe(202)
  await expect.poll(async () => (await figuresOf(ground)).batches).toBe('1')
  const { bytes, oldest_seconds: waited } = await figuresOf(ground)
  expect([Number(bytes) > 0, Number(waited) > 0]).toEqual([true, true])
})

test('/metrics says nothing of events that wait in a Redis that is away, and the rest', async () => {
  await using redis = await startRedis()
  const env = { ...sharedRedisEnv(), ...redis.env, QUEUE_CONNECTION: 'redis', ...LATE }
  await using ground = await ApiGround.create(env)
  expect(await figuresOf(ground)).toEqual({ batches: '0', bytes: '0', oldest_seconds: '0' })
  await redis.stop()
  await expect.poll(() => figuresOf(ground)).toEqual({})
  expect((await ground.ask('/metrics')).body.toString()).toContain('feedctl_api_processes 1')
  await redis.start()
  await expect.poll(async () => (await figuresOf(ground)).batches).toBe('0')
})
