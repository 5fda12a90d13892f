import { afterAll, beforeAll, expect, test } from 'vitest'
import { leave, liftFence } from '../../src/tenants/fence.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { holdPlace } from '../../src/tenants/moving/holding.js'
import { moveTenant } from '../../src/tenants/moving/move.js'
import { parseWish } from '../../src/tenants/moving/targets.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { atPlace, fence } from '../tenants/fences.js'
import { describeDatabases } from '../tenants/installation.js'
import { type Answer, ApiGround, errorCode } from './ground.js'

describeDatabases('the API of a tenant that is being moved', env => {
  let ground: ApiGround

  beforeAll(async () => {
    ground = await ApiGround.create({ ...env, FEEDCTL_API_RATE: '0' })
  })

  afterAll(() => ground[Symbol.asyncDispose]())

  const begin = async (slug: string) => {
    const token = await ground.tenant(slug)
    const tenant = await getTenant(ground.app.catalog, parseSlug(slug))
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const add = (url: string): Promise<Answer> =>
      ground.ask('/v1/feeds', { method: 'POST', headers, body: JSON.stringify({ url }) })
    const urls = async () => (await ground.json<{ feeds: { url: string }[] }>('/v1/feeds', token)).feeds.map(feed => feed.url)
    return { token, tenant, add, urls, headers }
  }

  test('refuses to change anything for a while, says for how long, and goes on to answer', async () => {
    const { catalog } = ground.app
    const { tenant, add, urls, headers } = await begin('fenced')
    expect((await add('https://a.example/')).status).toBe(201)
    await fence(catalog, tenant, 1)
    for (const answer of [
      await add('https://b.example/'),
      await ground.ask('/v1/feeds/1', { method: 'DELETE', headers: { authorization: headers.authorization } }),
    ]) {
      expect([answer.status, errorCode(answer)]).toEqual([503, 'TENANT_MOVING'])
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(JSON.parse(answer.body.toString())).toMatchObject({ type: 'urn:feedctl:problem:tenant-moving', status: 503 })
    }
    expect(await urls()).toEqual(['https://a.example/'])
    await liftFence(catalog, tenant, 1)
    expect((await add('https://b.example/')).status).toBe(201)
    expect(await urls()).toEqual(['https://a.example/', 'https://b.example/'])
  })

  test('finds where it lives by itself, the writer with the second attempt, the reader within seconds', async () => {
    const { catalog } = ground.app
    const [moving, waiting] = [await begin('moves'), await begin('moves-2')]
    expect((await moving.add('https://old.example/')).status).toBe(201)
    expect(await moving.urls()).toEqual(['https://old.example/'])
    // Where it goes is the database of another, of which only the place is taken.
    const target = { ...moving.tenant, placement: waiting.tenant.placement }
    await fence(catalog, moving.tenant, 2)
    await atPlace(catalog, target, place => holdPlace(place, 2))
    const { kysely } = catalog
    const { placement_id } = await kysely
      .selectFrom('tenants')
      .select('placement_id')
      .where('id', '=', waiting.tenant.id)
      .executeTakeFirstOrThrow()
    await kysely.updateTable('tenants').set({ placement_id }).where('id', '=', moving.tenant.id).execute()
    await leave(catalog, moving.tenant, 2)
    await liftFence(catalog, target, 2)
    const first = await moving.add('https://new.example/')
    // It may have heard already.
    if (first.status !== 201) {
      expect([first.status, errorCode(first), first.headers['retry-after']]).toEqual([503, 'TENANT_MOVED', '1'])
      expect((await moving.add('https://new.example/')).status).toBe(201)
    }
    expect(await moving.urls()).toEqual(['https://new.example/'])
    expect(await waiting.urls()).toEqual([])
  })

  test('answers from the new copy soon after the switch, also what was read before', async () => {
    const { catalog, config } = ground.app
    const { tenant, add, urls } = await begin('switched')
    expect((await add('https://before.example/')).status).toBe(201)
    // As if that were long ago: what changed within seconds everyone looks at again anyway.
    const quiet = { created_at: 1, content_changed_at: 1 }
    await catalog.kysely.updateTable('tenants').set(quiet).where('id', '=', tenant.id).execute()
    for (let reads = 0; reads < 3; reads++) expect(await urls()).toEqual(['https://before.example/'])
    const options = { keepMs: 60_000, signal: new AbortController().signal }
    expect(await moveTenant(catalog, config.databasePrefix, tenant.slug, parseWish('shared'), options)).toMatchObject({
      outcome: 'moved',
    })
    // Nobody is told of this: only who reads there sees it.
    await atPlace(catalog, await getTenant(catalog, tenant.slug), ({ database: { kysely } }) =>
      kysely.updateTable('feeds').set({ url: 'https://there.example/' }).where('tenant_id', '=', tenant.id).execute(),
    )
    await expect.poll(urls, { timeout: 10_000 }).toEqual(['https://there.example/'])
  })
})
