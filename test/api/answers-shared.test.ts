import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/app.js'
import { contentChanged } from '../../src/tenants/content-version.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { answerCounts, OwnRoute, textOf } from './own-route.js'
import { PATIENT, withPatientRedis } from './patient-redis.js'

let env: TestEnv
let installation: Installation
let apps: App[]
let acme: string
let globex: string

beforeAll(async () => {
  env = {
    ...sharedMariadbEnv(),
    ...sharedRedisEnv(),
    CACHE_DRIVER: 'redis',
    QUEUE_CONNECTION: 'redis',
    FEEDCTL_API_RATE: '0',
    FEEDCTL_API_CACHE_TTL_S: '3600',
  }
  installation = await Installation.create(env)
  const token = async (slug: string) => {
    const { out } = await installation.run(['tenant', 'create', slug, '--placement', 'shared', '--json'])
    return (JSON.parse(out) as { token: string }).token
  }
  acme = await token('acme')
  globex = await token('globex')
  // What three processes have.
  apps = await Promise.all(Array.from({ length: 3 }, async () => withPatientRedis(await installation.open())))
})

afterAll(async () => {
  for (const app of apps) await app[Symbol.asyncDispose]()
  await installation[Symbol.asyncDispose]()
})

async function serveAll(build: (url: string, slug: string) => Promise<unknown>): Promise<OwnRoute[] & AsyncDisposable> {
  const all = await Promise.all(apps.map(app => OwnRoute.serve(app, (url, tenant) => build(url, tenant.slug), PATIENT)))
  return Object.assign(all, {
    [Symbol.asyncDispose]: async () => {
      for (const own of all) await own[Symbol.asyncDispose]()
    },
  })
}

const builtBy = (all: readonly OwnRoute[]) => all.reduce((sum, own) => sum + own.built.length, 0)

async function keysOf(pattern: string): Promise<Record<string, Buffer>> {
  const redis = new Redis(env.REDIS_URL ?? '')
  try {
    const keys = await redis.keys(`${env.FEEDCTL_REDIS_PREFIX}:cache:answer:${pattern}`)
    const entries = await Promise.all(keys.map(async key => [key, (await redis.getBuffer(key)) ?? Buffer.alloc(0)] as const))
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(0)
    return Object.fromEntries(entries)
  } finally {
    redis.disconnect()
  }
}

describe('several processes', () => {
  test('build an answer once, however many ask each of them at the same time', async () => {
    await using all = await serveAll(async (url, slug) => {
      await new Promise(resolve => setTimeout(resolve, 100))
      return { url, slug }
    })
    await Promise.all(all.map(own => own.get(acme, '/v1/own?warm')))
    const before = builtBy(all)
    const answers = await Promise.all(all.flatMap(own => Array.from({ length: 50 }, () => own.get(acme, '/v1/own?cold'))))
    expect(new Set(answers.map(textOf))).toEqual(new Set([JSON.stringify({ url: '/v1/own?cold', slug: 'acme' })]))
    expect(new Set(answers.map(answer => answer.headers.etag)).size).toBe(1)
    expect(builtBy(all) - before).toBe(1)
  })

  test('have the answers of one another, compressed, and never those of another tenant', async () => {
    await using all = await serveAll(async (url, slug) => ({ url, slug, text: 'again and '.repeat(2_000) }))
    const [one, other] = all
    if (one === undefined || other === undefined) throw new Error('too few processes')
    const { id, createdAt } = await getTenant(installationCatalog(), parseSlug('acme'))
    const sharedNow = async () => Object.keys(await keysOf(`${id}:${createdAt}:*`)).length
    const before = await sharedNow()
    const mine = await one.get(acme, '/v1/own?shared')
    await expect.poll(sharedNow).toBe(before + 1)
    const theirs = await other.get(acme, '/v1/own?shared')
    const foreign = await other.get(globex, '/v1/own?shared')
    expect(textOf(theirs)).toBe(textOf(mine))
    expect(theirs.headers.etag).toBe(mine.headers.etag)
    expect(JSON.parse(textOf(foreign))).toMatchObject({ slug: 'globex' })
    expect([one.built.length, other.built.length]).toEqual([1, 1])
    expect(await answerCounts(other.metrics)).toMatchObject({ far: 1, built: 1 })
    const bytes = Object.values(await keysOf(`${id}:${createdAt}:*`)).map(value => value.length)
    expect(Math.max(...bytes)).toBeLessThan(mine.body.length / 10)
  })

  test('hear of a change within seconds, wherever it was made', async () => {
    let edition = 1
    await using all = await serveAll(async () => ({ edition }))
    const texts = (token: string) => Promise.all(all.map(async own => textOf(await own.get(token))))
    expect(await texts(acme)).toEqual(Array(3).fill('{"edition":1}'))
    expect(await texts(globex)).toEqual(Array(3).fill('{"edition":1}'))
    edition = 2
    const app = installationApp()
    await contentChanged(app.catalog, (await getTenant(app.catalog, parseSlug('acme'))).id)
    await expect.poll(() => texts(acme)).toEqual(Array(3).fill('{"edition":2}'))
    expect(await texts(globex)).toEqual(Array(3).fill('{"edition":1}'))
    edition = 3
    const [one] = all
    if (one === undefined) throw new Error('nobody serves')
    const { id } = await getTenant(app.catalog, parseSlug('globex'))
    await contentChanged(app.catalog, id)
    one.forget(id)
    // At once where it was made: what the others share is older than the change.
    expect(textOf(await one.get(globex))).toBe('{"edition":3}')
    await expect.poll(() => texts(globex)).toEqual(Array(3).fill('{"edition":3}'))
  })

  test('do without an answer in Redis that is damaged, or of another feedctl', async () => {
    await using all = await serveAll(async () => ({ good: true }))
    const [one, other] = all
    if (one === undefined || other === undefined) throw new Error('too few processes')
    const { id, createdAt } = await getTenant(installationCatalog(), parseSlug('acme'))
    const sharedNow = async () => Object.keys(await keysOf(`${id}:${createdAt}:*`)).length
    const before = await sharedNow()
    await one.get(acme, '/v1/own?damaged')
    await expect.poll(sharedNow).toBe(before + 1)
    const redis = new Redis(env.REDIS_URL ?? '')
    const damaged = ['2 new format\n...', '', '1 0 0 "x"\nno deflate', 'no line']
    for (const [index, key] of Object.keys(await keysOf(`${id}:${createdAt}:*`)).entries())
      await redis.set(key, damaged[index % damaged.length] ?? '', 'EX', 60)
    redis.disconnect()
    expect(textOf(await other.get(acme, '/v1/own?damaged'))).toBe('{"good":true}')
    expect(other.built).toHaveLength(1)
  })
})

function installationApp(): App {
  const [app] = apps
  if (app === undefined) throw new Error('nothing is open')
  return app
}

function installationCatalog() {
  return installationApp().catalog
}
