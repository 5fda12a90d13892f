import { expect, it } from 'vitest'
import { DAY_MS } from '../../src/analytics/aggregate.js'
import { applyBatches } from '../../src/analytics/apply.js'
import { dayText } from '../../src/analytics/report-query.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { batchOf, type GivenEvent } from '../analytics/batches.js'
import { describeDatabases } from '../tenants/installation.js'
import { ApiGround } from './ground.js'

describeDatabases('GET /v1/analytics', env => {
  const day = Math.floor(Date.now() / DAY_MS) - 1
  const at = day * DAY_MS

  it('answers what was counted of the tenant whose token it is, and of nobody else', async () => {
    await using ground = await ApiGround.create(env)
    const [acme, other] = [
      await ground.tenant('acme', ['--placement', 'shared']),
      await ground.tenant('acme-2', ['--placement', 'shared']),
    ]
    const count = async (slug: string, events: readonly GivenEvent[]) => {
      const tenant = await getTenant(ground.app.catalog, parseSlug(slug))
      await withTenant(ground.app.catalog, tenant, tables =>
        applyBatches(tables, [batchOf(tenant.id, 'a', events)], { raw: false, now: 1 }),
      )
    }
    await count('acme', [
      { at, post: 1, visitor: 'ann' },
      { at, post: 1, visitor: 'bob' },
      { at, kind: 'click', visitor: 'ann' },
    ])
    await count('acme-2', [{ at, post: 1, visitor: 'cyd' }])
    const asked = `/v1/analytics?from=${dayText(day)}&to=${dayText(day)}`
    expect(await ground.json(asked, acme)).toEqual({
      tenant: 'acme',
      from: dayText(day),
      to: dayText(day),
      by: 'day',
      rows: [{ day: dayText(day), events: 3, visitors: 2 }],
      total: { events: 3, visitors: 2 },
      visitors_error_percent: 1.6,
    })
    expect(await ground.json(`${asked}&by=post&post=1`, other)).toMatchObject({
      rows: [{ post_id: 1, title: null, events: 1, visitors: 1 }],
      total: { events: 1, visitors: 1 },
    })
    expect(await ground.json(`${asked}&by=kind&kind=click&limit=5`, acme)).toMatchObject({
      rows: [{ kind: 'click', events: 1, visitors: 1 }],
    })
    const { headers } = await ground.ask(asked, { headers: { authorization: `Bearer ${acme}` } })
    expect(headers).toMatchObject({ 'cache-control': 'private, max-age=10', vary: 'authorization' })
  })

  it('refuses what is no question with 400, and who bears no token with 401', async () => {
    await using ground = await ApiGround.create(env)
    const headers = { authorization: `Bearer ${await ground.tenant('refused', ['--placement', 'shared'])}` }
    const wrong = {
      'no day': 'from=yesterday',
      'a day there is not': 'from=2026-02-30',
      'too many days': 'from=2000-01-01',
      'no group': 'by=week',
      'no post': 'post=x',
      'a post without a number': 'post=',
      'a post of a space': 'post=%20',
      'a post in hexadecimal': 'post=0x10',
      'a limit with an exponent': 'limit=1e1',
      'a limit of none': 'limit=0',
      'more than may be shown': 'limit=1001',
      'a negative limit': 'limit=-1',
      'a parameter there is not': 'tenant=acme-2',
      'a kind that is too long': `kind=${'x'.repeat(40)}`,
    }
    for (const [name, query] of Object.entries(wrong)) {
      expect([name, (await ground.ask(`/v1/analytics?${query}`, { headers })).status]).toEqual([name, 400])
    }
    const injected = await ground.ask(`/v1/analytics?kind=${encodeURIComponent("' or 1=1 --")}`, { headers })
    expect(JSON.parse(injected.body.toString())).toMatchObject({ total: { events: 0, visitors: 0 } })
    expect((await ground.ask('/v1/analytics')).status).toBe(401)
  })
})
