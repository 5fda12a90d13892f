import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forgetUnread } from '../../src/feeds/unread-sources.js'
import { batchAnalytics, syncTenantFeeds } from '../../src/jobs.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { forgetVacated } from '../../src/tenants/removal/vacated.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { ApiGround } from '../api/ground.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { describeDrivers } from '../support/drivers.js'
import { lateBatch } from './late-events.js'
import { databasesFrom, tracesInDatabases, tracesInFiles, tracesInRedis } from './traces.js'

const NEVER = new AbortController().signal
const LATER_MS = 2 * 3_600_000

for (const placement of ['dedicated', 'shared'])
  describeDrivers(`the removal of a tenant in ${placement} placement`, env => {
    let ground: ApiGround
    const tokens = new Map<string, string>()
    const headersOf = (slug: string) => ({ authorization: `Bearer ${tokens.get(slug)}`, 'content-type': 'application/json' })
    const cli = (...argv: string[]) => ground.installation.run([...argv, '--json'])
    const tenantOf = (slug: string) => getTenant(ground.app.catalog, parseSlug(slug))

    beforeAll(async () => {
      ground = await ApiGround.create({ ...env, FEEDCTL_ANALYTICS_DELAY_S: '600' })
    })
    afterAll(() => ground[Symbol.asyncDispose]())

    /** With posts, a file, answers that are kept, events that wait, and jobs where there is a queue. */
    const furnish = async (slug: string, mark: string): Promise<Tenant> => {
      tokens.set(slug, await ground.tenant(slug, ['--placement', placement]))
      const feeds = await TenantFeeds.of(ground.app.catalog, await tenantOf(slug))
      await feeds.store([post(`${mark} one`), post(`${mark} two`)], 1)
      await ground.file(slug, { name: `${mark}.png`, content: mark })
      for (let times = 0; times < 3; times++)
        expect((await ground.ask('/v1/posts', { headers: headersOf(slug) })).body.toString()).toContain(mark)
      const events = JSON.stringify({ events: [{ kind: mark, post_id: 1 }, { kind: mark }] })
      expect((await ground.ask('/v1/events', { method: 'POST', headers: headersOf(slug), body: events })).status).toBe(202)
      if (ground.installation.onRedis) {
        const queue = await ground.app.queue(NEVER)
        await queue.add([syncTenantFeeds((await tenantOf(slug)).id)])
      }
      return tenantOf(slug)
    }

    /** Where anything is left of it, but for the receipts. */
    const tracesOf = async ({ id, placement: { database } }: Tenant, slug: string, mark: string) => {
      const { catalog, config } = ground.app
      const names = [catalog.name, ...(await databasesFrom(catalog, ground.installation.env, config.databasePrefix))]
      const left = [
        ...(await tracesInDatabases(catalog, names, mark)),
        ...(await tracesInDatabases(catalog, names, `"tenant_id":${id},`)),
        ...(await tracesInDatabases(catalog, names, `"${slug}"`)),
        ...tracesInFiles(config.data, mark),
        ...readdirSync(config.data).filter(name => name === database),
        ...(ground.installation.onRedis
          ? [
              ...(await tracesInRedis(ground.installation.env, mark)),
              ...(await tracesInRedis(ground.installation.env, `"tenantId":${id}`)),
              ...(await tracesInRedis(ground.installation.env, `answer:${id}:`)),
              ...(await tracesInRedis(ground.installation.env, `api:${id} `)),
            ]
          : []),
      ]
      return [...new Set(left)].filter(trace => trace !== `${catalog.name}.receipts`)
    }

    it('leaves nothing of it, in no database, key, job, file or event, and all of its neighbour', async () => {
      const [gone, stays] = [await furnish('vanish', 'zzgone'), await furnish('vanish-2', 'zzstays')]
      expect(await tracesOf(gone, 'vanish', 'zzgone')).not.toEqual([])
      const neighbour = await tracesOf(stays, 'vanish-2', 'zzstays')
      const removed = await cli('tenant', 'delete', 'vanish', '--now', '--yes')
      expect([removed.exit, removed.err]).toEqual([0, ''])
      const { receipt } = JSON.parse(removed.out)
      expect(receipt).toMatchObject({
        slug: 'vanish',
        feeds: 1,
        posts: 2,
        events_dropped: 2,
        media: { files: 1, local_files: 1 },
      })
      if (ground.installation.onRedis) expect([receipt.jobs, receipt.keys > 0]).toEqual([1, true])
      await forgetUnread(ground.app.catalog, NEVER, Date.now() + LATER_MS)
      await forgetVacated(ground.app.catalog, Date.now() + LATER_MS)
      expect(await tracesOf(gone, 'vanish', 'zzgone')).toEqual([])
      // Its events were counted meanwhile: they wait no more, but are among its rows.
      const kept = await tracesOf(stays, 'vanish-2', 'zzstays')
      expect(neighbour.filter(trace => !kept.includes(trace) && !/event-log|analytics/.test(trace))).toEqual([])
      expect((await ground.ask('/v1/posts', { headers: headersOf('vanish-2') })).status).toBe(200)
    })

    it('is heard of within moments by an API that knew it, and a new tenant of the name sees nothing of the old one', async () => {
      const before = await furnish('again', 'zzbefore')
      const old = headersOf('again')
      expect((await cli('tenant', 'delete', 'again', '--now', '--yes')).exit).toBe(0)
      await expect.poll(async () => (await ground.ask('/v1/posts', { headers: old })).status, { timeout: 20_000 }).toBe(401)
      tokens.set('again', await ground.tenant('again', ['--placement', placement]))
      const after = await tenantOf('again')
      expect(after.id).not.toBe(before.id)
      expect((await ground.ask('/v1/posts', { headers: old })).status).toBe(401)
      const answer = await ground.ask('/v1/posts', { headers: headersOf('again') })
      expect([answer.status, answer.body.toString()]).toEqual([200, expect.not.stringContaining('zzbefore')])
      expect(JSON.parse((await cli('feed', 'list', 'again')).out).feeds).toEqual([])
    })

    it('what comes late for a tenant that is gone is dropped, and told of in its receipt', async () => {
      const late = await furnish('late', 'zzlate')
      const events = await ground.app.events()
      expect((await cli('tenant', 'delete', 'late', '--now', '--yes')).exit).toBe(0)
      await events.append(lateBatch(late.id, 'zzlate'))
      expect((await cli('analytics', 'flush')).exit).toBe(0)
      const { receipts } = JSON.parse((await cli('tenant', 'receipt', 'late')).out)
      expect(receipts[0].events_dropped).toBe(3)
      expect(await tracesOf(late, 'late', 'zzlate')).toEqual([])
    })

    it('needs the queue where there is one: jobs are not left behind', async () => {
      if (ground.installation.onRedis) await (await ground.app.queue(NEVER)).add([batchAnalytics(0)])
      const tenant = await furnish('waits', 'zzwaits')
      if (!ground.installation.onRedis) return
      const away = await ground.installation.run(['tenant', 'delete', 'waits', '--now', '--yes', '--json'], {
        env: { REDIS_URL: 'redis://127.0.0.1:1' },
      })
      expect([away.exit, JSON.parse(away.err).error.code]).toEqual([5, 'UNAVAILABLE'])
      expect(await tenantOf('waits')).toMatchObject({ id: tenant.id, state: 'deleting' })
      expect(JSON.parse((await cli('tenant', 'receipt', 'waits')).out).receipts[0].removed_at).toBeNull()
      expect((await cli('tenant', 'resume', 'waits')).exit).toBe(4)
      const due = JSON.parse((await cli('tenant', 'delete', '--due', '--yes')).out)
      expect(due).toMatchObject({ removed: 1, failures: [], receipts: [{ slug: 'waits', posts: 2, jobs: 1 }] })
    })
  })
