import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { describeDatabases } from '../tenants/installation.js'
import { ApiGround, errorCode } from './ground.js'

const LIMITS = { feeds: 50, requests_per_s: 123, body_bytes: 4096, posts_per_page: 100 }
const NOTHING = { feeds: 0, posts: 0, media: { files: 0, bytes: 0 }, events: { today: 0 }, limits: LIMITS }

describeDatabases('GET /v1/usage', env => {
  let ground: ApiGround

  beforeAll(async () => {
    const limits = { FEEDCTL_MAX_FEEDS: '50', FEEDCTL_API_RATE: '123', FEEDCTL_API_MAX_BODY_BYTES: '4096' }
    ground = await ApiGround.create({ ...env, ...limits })
  })

  afterAll(() => ground[Symbol.asyncDispose]())

  test('says how much a tenant has and may, and nothing of its neighbour', async () => {
    const tokens = [
      await ground.tenant('acme', ['--placement', 'shared']),
      await ground.tenant('acme-2', ['--placement', 'shared']),
    ]
    const mine = await TenantFeeds.of(ground.app.catalog, await getTenant(ground.app.catalog, parseSlug('acme')), 3)
    await mine.store([post('a'), post('b')], 5)
    await ground.file('acme', { name: 'a', content: 'abc' })
    await ground.file('acme', { name: 'b', content: '12345', state: 'seen' })
    const today = Math.floor(Date.now() / 86_400_000)
    await mine.on(tables =>
      tables.transaction(tx =>
        tx.insert('event_days', [
          // Midnight may pass meanwhile.
          ...[today, today + 1].flatMap(day => [
            { day, post_id: 1, kind: 'view', events: 4 },
            { day, post_id: 0, kind: 'click', events: 3 },
          ]),
          { day: today - 1, post_id: 1, kind: 'view', events: 100 },
        ]),
      ),
    )
    expect(await ground.json('/v1/usage', tokens[0] ?? '')).toEqual({
      feeds: 3,
      posts: 2,
      media: { files: 2, bytes: 8 },
      events: { today: 7 },
      limits: LIMITS,
    })
    expect(await ground.json('/v1/usage', tokens[1] ?? '')).toEqual(NOTHING)
  })

  test('refuses parameters that it does not know', async () => {
    const headers = { authorization: `Bearer ${await ground.tenant('globex')}` }
    const answer = await ground.ask('/v1/usage?tenant=acme', { headers })
    expect([answer.status, errorCode(answer)]).toEqual([400, 'USAGE'])
  })
})
