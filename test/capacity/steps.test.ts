import { describe, expect, it } from 'vitest'
import { readSetup, type Setup, type SetupConfig } from '../../src/capacity/setup.js'
import { stepsInto } from '../../src/capacity/steps.js'
import { loadConfig } from '../../src/kernel/config.js'
import type { TestEnv } from '../support/drivers.js'

const settings = (env: TestEnv = {}): SetupConfig =>
  loadConfig({ env: { FEEDCTL_DATA: '/nowhere', ...env }, envFile: '/nowhere/.env', envFileNamed: false }).config

/** As the settings alone tell it. */
function setupOf(env: TestEnv, more: Partial<Setup> = {}): Promise<Setup> {
  return readSetup(null, settings(env), false, 0).then(setup => ({ ...setup, ...more }))
}

const ids = (phase: Parameters<typeof stepsInto>[0], setup: Setup) => stepsInto(phase, setup).map(({ id }) => id)

const REDIS = { QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis', SESSION_DRIVER: 'redis' }
const WASABI = { FILESYSTEM_DISK: 'wasabi', WASABI_BUCKET: 'b' }
const INTO_GROWTH = ['redis-server', 'redis-settings', 'redis-safe', 'workers', 'wasabi-settings', 'wasabi-migration']
const INTO_SCALE = ['mysql', 'render-scale', 'database-host', 'move-tenants', 'redis-dedicated', 'app-servers']

describe('what leads into a phase', () => {
  it.each<[string, TestEnv, Partial<Setup>, Parameters<typeof stepsInto>[0], readonly string[]]>([
    ['nothing into the first', {}, {}, 'mvp', []],
    ['all of it, from the embedded defaults', {}, {}, 'growth', INTO_GROWTH],
    ['what is not done, with Redis', REDIS, { hasWorkers: true }, 'growth', ['wasabi-settings', 'wasabi-migration']],
    [
      'the drivers that are not on Redis',
      { QUEUE_CONNECTION: 'redis' },
      { hasWorkers: true },
      'growth',
      INTO_GROWTH.filter(id => !['redis-server', 'workers'].includes(id)),
    ],
    ['nothing, with Redis, Wasabi and workers', { ...REDIS, ...WASABI }, { hasWorkers: true }, 'growth', []],
    ['no workers where nobody can tell', { ...REDIS, ...WASABI }, { hasWorkers: null }, 'growth', []],
    ['the steps of both phases, in order', {}, {}, 'scale', [...INTO_GROWTH, ...INTO_SCALE]],
    [
      'no dedicated servers where there are some',
      { ...REDIS, ...WASABI, DB_CONNECTION: 'mysql', DB_HOST: '10.0.0.2', REDIS_HOST: '10.0.0.3' },
      { hasWorkers: true },
      'scale',
      ['render-scale', 'app-servers'],
    ],
    [
      'nothing, of a phase that stands',
      {
        ...REDIS,
        ...WASABI,
        DB_CONNECTION: 'mysql',
        DB_HOST: 'db.example.com',
        REDIS_URL: 'rediss://:secret@cache.example.com:6379',
      },
      { hasWorkers: true, apiMachines: 3 },
      'scale',
      [],
    ],
    [
      'shared tables before there are too many databases',
      { ...REDIS, ...WASABI, DB_CONNECTION: 'mysql', DB_HOST: 'db', REDIS_HOST: 'cache' },
      { hasWorkers: true, apiMachines: 3, dedicatedTenants: 501 },
      'scale',
      ['shared-placement'],
    ],
    [
      'replica, CDN and shared tables into the last',
      { ...REDIS, ...WASABI, DB_CONNECTION: 'mysql', DB_HOST: 'db', REDIS_HOST: 'cache', FEEDCTL_PLACEMENT: 'shared' },
      { hasWorkers: true, apiMachines: 3, dedicatedTenants: 1_001 },
      'enterprise',
      ['render-enterprise', 'replica', 'regions', 'share-tables', 'cdn'],
    ],
    [
      'no replica, regions and CDN that are there',
      {
        ...REDIS,
        ...WASABI,
        DB_CONNECTION: 'mysql',
        DB_HOST: 'db',
        REDIS_HOST: 'cache',
        DB_READ_HOST: 'db2',
        WASABI_URL: 'https://cdn.example.com',
      },
      { hasWorkers: true, apiMachines: 3, regions: 2 },
      'enterprise',
      ['render-enterprise'],
    ],
  ])('is %s', async (_, env, more, phase, expected) => {
    expect(ids(phase, await setupOf(env, more))).toEqual(expected)
  })

  it('names the settings that are not there, and never those that are', async () => {
    const command = async (env: TestEnv, phase: 'growth' | 'scale' = 'growth') =>
      stepsInto(phase, await setupOf(env)).find(({ id }) => id === 'redis-settings')?.command
    expect(await command({})).toBe(
      'REDIS_URL=redis://127.0.0.1:6379 QUEUE_CONNECTION=redis CACHE_DRIVER=redis SESSION_DRIVER=redis',
    )
    expect(await command({ CACHE_DRIVER: 'redis' })).toBe('QUEUE_CONNECTION=redis SESSION_DRIVER=redis')
    expect(await command({}, 'scale')).toBe('QUEUE_CONNECTION=redis CACHE_DRIVER=redis SESSION_DRIVER=redis')
  })

  it.each<[TestEnv, boolean | null]>([
    [{}, null],
    [REDIS, true],
    [{ ...REDIS, REDIS_HOST: '10.0.0.3' }, false],
    [{ ...REDIS, REDIS_URL: '/run/redis.sock' }, true],
    [{ ...REDIS, REDIS_URL: 'redis://localhost:6380' }, true],
    [{ ...REDIS, REDIS_URL: 'redis://cache.example.com' }, false],
    [{ ...REDIS, REDIS_CLUSTER_NODES: '10.0.0.1:6379,10.0.0.2:6379' }, false],
    [{ ...REDIS, REDIS_CLUSTER_NODES: '127.0.0.1:7000' }, true],
  ])('with %j knows whether Redis is on this machine: %s', async (env, redisIsHere) => {
    expect((await setupOf(env)).redisIsHere).toBe(redisIsHere)
  })
})
