import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildApi } from '../../../src/api/build.js'
import type { ProbeReport } from '../../../src/api/probe/probe.js'
import { Sightings } from '../../../src/api/probe/sightings.js'
import { lookAtRedis } from '../../../src/api/probe/stores.js'
import { serveApi } from '../../../src/api/server.js'
import type { App } from '../../../src/app.js'
import type { Cache } from '../../../src/caches/index.js'
import { mediaKey, parseMediaName } from '../../../src/media/names.js'
import type { TenantSchema } from '../../../src/tenants/databases/index.js'
import { Installation } from '../../e2e/installation.js'
import { describeDrivers, type TestEnv } from '../../support/drivers.js'

type Probed = ProbeReport & { readonly left_before: number; readonly error?: unknown }

describeDrivers('a probe for leaks between tenants', (env, combination) => {
  /** A fault is found by what is asked, wherever rows and keys are: once is enough. */
  const on = (...combinations: string[]) => (combinations.includes(combination) ? it : it.skip)
  let installation: Installation
  let app: App

  beforeAll(async () => {
    installation = await Installation.create({ ...env, FEEDCTL_API_RATE: '0' } as TestEnv)
    app = await installation.open()
  })

  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await installation[Symbol.asyncDispose]()
  })

  const probe = async (flags: readonly string[] = []) => {
    const { exit, out, err } = await installation.run(['tenant', 'probe', '--json', ...flags])
    return { exit, err, report: (out === '' ? {} : JSON.parse(out)) as Probed }
  }

  const leftovers = async () => {
    const { kysely } = app.catalog
    const tenants = await kysely.selectFrom('tenants').select('slug').where('slug', 'like', 'leak-probe-%').execute()
    const sources = await kysely.selectFrom('sources').select('url').where('url', 'like', '%leak-probe%').execute()
    const receipts = await kysely.selectFrom('receipts').select('slug').where('slug', 'like', 'leak-probe-%').execute()
    return [...tenants, ...sources, ...receipts]
  }

  /** An API that `change` has broken. */
  const served = async (app: App, change: (built: Awaited<ReturnType<typeof buildApi>>) => void) => {
    const built = await buildApi(app)
    change(built)
    await built.server.listen({ host: '127.0.0.1', port: 0 })
    const address = built.server.server.address()
    const port = typeof address === 'object' ? address?.port : 0
    return {
      url: `http://127.0.0.1:${port}`,
      [Symbol.asyncDispose]: async () => {
        await built.server.close()
        await built.close()
      },
    }
  }

  it('finds none where there is none, has looked everywhere, and leaves nothing', async () => {
    const { exit, report, err } = await probe()
    expect([exit, report.leaks, report.blind, report.unlooked], err).toEqual([0, [], [], []])
    expect(report).toMatchObject({ url: null, pairs: 12, left_before: 0 })
    expect(report.tenants.map(tenant => tenant.placement)).toEqual(['shared', 'shared', 'dedicated', 'dedicated'])
    expect(report.looks).toMatchObject({
      answers: expect.any(Number),
      links: expect.any(Number),
      rows: 4,
      changes: expect.any(Number),
    })
    expect(report.looks.objects).toBeGreaterThanOrEqual(8)
    if (installation.onRedis) expect(report.looks.keys).toBeGreaterThan(0)
    expect(await leftovers()).toEqual([])
  })

  on('embedded')('leaves a customer alone whose slug begins like those of its own tenants', async () => {
    await installation.createTenant('leak-probe-acme', [])
    expect(await probe(['--count', '1'])).toMatchObject({ exit: 0, report: { left_before: 0 } })
    expect(await installation.run(['tenant', 'show', 'leak-probe-acme'])).toMatchObject({ exit: 0 })
    expect(await installation.run(['tenant', 'delete', 'leak-probe-acme', '--now', '--yes'])).toMatchObject({ exit: 0 })
    await app.catalog.kysely.deleteFrom('receipts').where('slug', '=', 'leak-probe-acme').execute()
  })

  on('embedded')('passes over a host that is full and says so, and fails where there is no room for two', async () => {
    const bound = (max_tenants: number | null) => app.catalog.kysely.updateTable('hosts').set({ max_tenants }).execute()
    await bound(3)
    const { exit, report, err } = await probe()
    expect([exit, report.tenants.length, report.unlooked], err).toEqual([0, 3, [expect.stringMatching(/^host default: /)]])
    await bound(1)
    expect(await probe()).toMatchObject({ exit: 4, err: expect.stringContaining('HOST_FULL') })
    await bound(null)
    expect(await leftovers()).toEqual([])
  })

  on('sqlite + redis')('says what it had no time for in Redis', async () => {
    const look = (budgetMs: number) => lookAtRedis(app, [], new Sightings([]), new AbortController().signal, budgetMs)
    expect(await look(60_000)).toEqual([])
    expect(await look(-1)).toEqual([expect.stringMatching(/^redis: /)])
  })

  on('embedded', 'mysql + redis')('asks an API that runs, and keeps its tenants until the next probe', async () => {
    const api = await serveApi(app, { host: '127.0.0.1', port: 0 })
    try {
      expect(await probe(['--url', api.url, '--count', '1', '--keep'])).toMatchObject({
        exit: 0,
        report: { url: api.url, leaks: [], blind: [] },
      })
      expect(await leftovers()).not.toEqual([])
      expect(await probe(['--url', api.url, '--count', '1'])).toMatchObject({ exit: 0, report: { left_before: 2 } })
      expect(await leftovers()).toEqual([])
    } finally {
      await api.stop(1000)
    }
  })

  on('embedded')('finds a route that reads the rows of another', async () => {
    await using api = await served(app, ({ server }) => {
      server.addHook('onSend', async (request, _reply, payload) => {
        if (!request.url.startsWith('/v1/usage')) return payload
        const other = await app.catalog.kysely
          .selectFrom('sources')
          .select('url')
          .where('url', 'like', '%leak-probe%')
          .orderBy('id', 'desc')
          .executeTakeFirst()
        return `${JSON.stringify(other)}`
      })
    })
    const { exit, report } = await probe(['--url', api.url, '--count', '1'])
    expect(exit).toBe(8)
    expect(report.leaks).toContainEqual(
      expect.objectContaining({
        where: expect.stringMatching(/^GET \/v1\/usage/),
        what: expect.stringMatching(/^marker canary/),
      }),
    )
    expect(report.leaks[0]?.reader).not.toBe(report.leaks[0]?.owner)
    expect(await leftovers()).toEqual([])
  })

  on('sqlite + redis')('finds answers that are kept under a key without its tenant', async () => {
    const shared = await app.shared()
    const mixed = (cache: Cache): Cache => {
      const key = (text: string) => text.replace(/^answer:\d+:\d+:/, 'answer:all:')
      return {
        name: cache.name,
        get: text => cache.get(key(text)),
        put: (text, bytes, ttlS) => cache.put(key(text), bytes, ttlS),
        delete: text => cache.delete(key(text)),
        close: () => cache.close(),
      }
    }
    expect(shared.far).not.toBeNull()
    const leaky = Object.create(app, {
      shared: { value: async () => ({ ...shared, cache: mixed(shared.cache), far: mixed(shared.far as Cache) }) },
    }) as App
    await using api = await served(leaky, () => {})
    const { exit, report } = await probe(['--url', api.url, '--count', '1'])
    expect(exit).toBe(8)
    expect(report.leaks.some(leak => /^GET \/v1\/(posts|feeds)/.test(leak.where))).toBe(true)
  })

  on('mysql + sync')('finds a row of one that is written under the number of another', async () => {
    // The reader's first request for its usage comes after all are planted.
    let done = false
    await using api = await served(app, ({ server }) => {
      server.addHook('preHandler', async () => {
        if (done) return
        done = true
        const [a, b] = await app.catalog.kysely
          .selectFrom('tenants')
          .innerJoin('placements', 'placements.id', 'tenants.placement_id')
          .select(['tenants.id', 'database_name'])
          .where('slug', 'like', 'leak-probe-%')
          .where('kind', '=', 'shared')
          .orderBy('tenants.id')
          .execute()
        await app.catalog.server.use<TenantSchema, void>(a?.database_name as never, async database => {
          const posts = sql.raw(database.qualify('posts'))
          await sql`update ${posts} set tenant_id = ${a?.id}, feed_id = (select min(id) from (select id from ${sql.raw(database.qualify('feeds'))} where tenant_id = ${a?.id}) f) where tenant_id = ${b?.id} and id = (select m from (select max(id) m from ${posts} where tenant_id = ${b?.id}) x)`.execute(
            database.kysely,
          )
        })
      })
    })
    const { exit, report } = await probe(['--url', api.url])
    expect(exit).toBe(8)
    expect(report.leaks.map(leak => leak.where)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^GET \/v1\/posts/), 'tenant export']),
    )
  })

  on('embedded')('finds an object of one below the prefix of another, and a link that opens whatever it is put to', async () => {
    let done = false
    const signal = new AbortController().signal
    await using api = await served(app, ({ server }) => {
      server.addHook('onRequest', async (request, reply) => {
        if (!done && request.url.startsWith('/v1/')) {
          done = true
          const [a, b] = await app.catalog.kysely
            .selectFrom('tenants')
            .selectAll()
            .where('slug', 'like', 'leak-probe-%')
            .orderBy('id')
            .execute()
          const { target } = await app.disks()
          for await (const { key } of target.list(`${b?.id}/` as never, null, signal)) {
            const reading = await target.read(key, null, signal)
            const bytes = Buffer.concat(await (reading?.stream ?? Readable.from([])).toArray())
            const [md5, sha256] = ['md5', 'sha256'].map(kind => createHash(kind).update(bytes).digest('hex')) as [string, string]
            const source = { bytes: bytes.length, whole: bytes, open: () => Readable.from([bytes]) }
            await target.put(
              mediaKey(a?.id as never, parseMediaName('copied.txt')),
              source,
              { type: 'text/plain', md5, sha256 },
              signal,
            )
          }
        }
        if (request.url.startsWith('/media/') && !request.url.includes('..')) return reply.send('anything')
      })
    })
    const { exit, report } = await probe(['--url', api.url, '--count', '1'])
    expect(exit).toBe(8)
    expect(report.leaks.map(leak => leak.where)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/: bytes of an object$/),
        expect.stringMatching(/^GET \/media\/\*: the owner's path/),
      ]),
    )
  })

  on('embedded')('passes no API where a tenant does not even see its own', async () => {
    await using api = await served(app, ({ server }) => {
      server.addHook('onSend', async (request, _reply, payload) =>
        request.url.startsWith('/v1/posts') ? '{"posts":[],"next":null}' : payload,
      )
    })
    const { exit, report, err } = await probe(['--url', api.url, '--count', '1'])
    expect([exit, report.leaks]).toEqual([8, []])
    expect(report.blind).toContainEqual(expect.stringMatching(/^GET \/v1\/posts: leak-probe-/))
    expect(err).toContain('did not see what it put there itself')
  })

  on('mysql + redis')('removes its tenants when it is interrupted', async () => {
    const stop = new AbortController()
    const api = await serveApi(app, { host: '127.0.0.1', port: 0 })
    try {
      let asked = 0
      api.built.server.server.on(
        'request',
        () => ++asked === 20 && stop.abort(Object.assign(new Error('stop'), { name: 'AbortError' })),
      )
      const { exit } = await installation.run(['tenant', 'probe', '--url', api.url], { signal: stop.signal })
      expect(exit).not.toBe(0)
      expect(await leftovers()).toEqual([])
    } finally {
      await api.stop(1000)
    }
  })

  on('embedded')('says in a word where there is no API', async () => {
    expect(await probe(['--url', 'http://127.0.0.1:1'])).toMatchObject({ exit: 5 })
    expect(await probe(['--url', 'nonsense'])).toMatchObject({ exit: 2 })
    expect(await probe(['--url', 'http://127.0.0.1:1/base'])).toMatchObject({ exit: 2, err: expect.stringContaining('no path') })
    expect(await leftovers()).toEqual([])
  })
})
