import { describe, expect, it } from 'vitest'
import { readSetup, type Setup, type SetupConfig } from '../../src/capacity/setup.js'
import { stepsInto } from '../../src/capacity/steps.js'
import { loadConfig } from '../../src/kernel/config.js'
import { loadCommands } from '../borders/docs.js'
import { commandFaults } from '../borders/docs-commands.js'
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
const INTO_SCALE = [
  ...['mysql', 'render-scale', 'database-host', 'move-tenants', 'redis-dedicated', 'app-servers', 'shared-placement'],
]
const SHARED = { FEEDCTL_PLACEMENT: 'shared' }
const ON_MYSQL = { ...REDIS, ...WASABI, ...SHARED, DB_CONNECTION: 'mysql', DB_HOST: 'db', REDIS_HOST: 'cache' }

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
    ['workers where nobody can tell', { ...REDIS, ...WASABI }, { hasWorkers: null }, 'growth', ['workers']],
    [
      'the migration of media until none is left here',
      { ...REDIS, ...WASABI },
      { hasWorkers: true, hasMediaHere: true },
      'growth',
      ['wasabi-migration'],
    ],
    [
      'the moves of tenants until none is left here',
      ON_MYSQL,
      { hasWorkers: true, apiMachines: 3, tenantsHere: [{ host: 'local', tenants: 2 }] },
      'scale',
      ['move-tenants'],
    ],
    ['the steps of both phases, in order', {}, {}, 'scale', [...INTO_GROWTH, ...INTO_SCALE]],
    [
      'no dedicated servers where there are some',
      { ...REDIS, ...WASABI, DB_CONNECTION: 'mysql', DB_HOST: '10.0.0.2', REDIS_HOST: '10.0.0.3' },
      { hasWorkers: true },
      'scale',
      ['render-scale', 'app-servers', 'shared-placement'],
    ],
    [
      'nothing, of a phase that stands',
      {
        ...REDIS,
        ...WASABI,
        ...SHARED,
        DB_CONNECTION: 'mysql',
        DB_HOST: 'db.example.com',
        REDIS_URL: 'rediss://:secret@cache.example.com:6379',
      },
      { hasWorkers: true, apiMachines: 3 },
      'scale',
      [],
    ],
    [
      'shared tables for new tenants, and for all when there are too many databases',
      { ...ON_MYSQL, FEEDCTL_PLACEMENT: 'dedicated' },
      { hasWorkers: true, apiMachines: 3, dedicatedTenants: 1_001 },
      'scale',
      ['shared-placement', 'share-tables'],
    ],
    [
      'replica, regions and CDN into the last',
      ON_MYSQL,
      { hasWorkers: true, apiMachines: 3, dedicatedTenants: 1_000 },
      'enterprise',
      ['render-enterprise', 'replica', 'regions', 'cdn'],
    ],
    [
      'no replica, regions and CDN that are there',
      { ...ON_MYSQL, DB_READ_HOST: 'db2', WASABI_URL: 'https://cdn.example.com' },
      { hasWorkers: true, apiMachines: 3, regions: 2 },
      'enterprise',
      ['render-enterprise'],
    ],
  ])('is %s', async (_, env, more, phase, expected) => {
    expect(ids(phase, await setupOf(env, more))).toEqual(expected)
  })

  it('says of what nothing tells that it is to be checked by hand', async () => {
    const byHand = (setup: Setup) => stepsInto('enterprise', setup).flatMap(({ id, isByHand }) => (isByHand ? [id] : []))
    expect(byHand(await setupOf({}))).toEqual(['render-enterprise'])
    const unknown = { hasWorkers: null, hasMediaHere: null }
    expect(byHand(await setupOf(ON_MYSQL, unknown))).toEqual(['workers', 'wasabi-migration', 'render-enterprise'])
  })

  it.each<[TestEnv, Partial<Setup>]>([
    [{}, {}],
    [ON_MYSQL, { dedicatedTenants: 5_000, tenantsHere: [{ host: 'local', tenants: 2 }] }],
  ])('is done by commands that exist, with their flags: %j, %j', async (env, more) => {
    const shown = stepsInto('enterprise', await setupOf(env, more)).map(({ command }) => command)
    const { looked, faults } = commandFaults(
      { path: 'steps', text: shown.map(each => `\`${each}\``).join('\n') },
      await loadCommands(),
    )
    expect(faults).toEqual([])
    expect(looked).toBeGreaterThan(3)
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
