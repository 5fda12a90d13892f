import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { App } from '../../../src/app.js'
import type { Cache } from '../../../src/caches/index.js'
import { mediaKey, parseMediaName } from '../../../src/media/names.js'
import type { TenantSchema } from '../../../src/tenants/databases/index.js'
import { describeDrivers } from '../../support/drivers.js'
import { ProbeGround, served } from './ground.js'

describeDrivers('a probe of an installation with a fault', (env, combination) => {
  const { ground, on } = ProbeGround.ofBlock(env, combination)

  on('embedded')('finds a route that reads the rows of another', async () => {
    await using api = await served(ground().app, ({ server }) => {
      server.addHook('onSend', async (request, _reply, payload) => {
        if (!request.url.startsWith('/v1/usage')) return payload
        const other = await ground()
          .app.catalog.kysely.selectFrom('sources')
          .select('url')
          .where('url', 'like', '%leak-probe%')
          .orderBy('id', 'desc')
          .executeTakeFirst()
        return `${JSON.stringify(other)}`
      })
    })
    const { exit, report } = await ground().probe('--url', api.url, '--count', '1')
    expect(exit).toBe(8)
    expect(report.leaks).toContainEqual(
      expect.objectContaining({
        where: expect.stringMatching(/^GET \/v1\/usage/),
        what: expect.stringMatching(/^marker canary/),
      }),
    )
    expect(report.leaks[0]?.reader).not.toBe(report.leaks[0]?.owner)
    expect(await ground().leftovers()).toEqual([])
  })

  on('sqlite + redis')('finds answers that are kept under a key without its tenant', async () => {
    const shared = await ground().app.shared()
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
    const leaky = Object.create(ground().app, {
      shared: { value: async () => ({ ...shared, cache: mixed(shared.cache), far: mixed(shared.far as Cache) }) },
    }) as App
    await using api = await served(leaky, () => {})
    const { exit, report } = await ground().probe('--url', api.url, '--count', '1')
    expect(exit).toBe(8)
    expect(report.leaks.some(leak => /^GET \/v1\/(posts|feeds)/.test(leak.where))).toBe(true)
  })

  on('sqlite + redis')('finds a job of one with the marker of another, and is blind where it sees no job', async () => {
    const queue = await ground().app.queue(new AbortController().signal)
    const desk = await ground().app.desk()
    const canaries = () =>
      ground().app.catalog.kysely.selectFrom('tenants').select('id').where('canary', '=', 1).orderBy('id').execute()
    let meddle = async () => {}
    await using api = await served(ground().app, ({ server }) => {
      server.addHook('onRequest', async request => {
        if (!request.url.startsWith('/v1/')) return
        const once = meddle
        meddle = async () => {}
        await once()
      })
    })
    meddle = async () => {
      const [a] = await canaries()
      const { url } = await ground()
        .app.catalog.kysely.selectFrom('sources')
        .select('url')
        .where('url', 'like', '%leak-probe%')
        .orderBy('id', 'desc')
        .executeTakeFirstOrThrow()
      const payload = { tenantId: a?.id as number, note: url.split('/')[3] as string }
      await queue.add([{ queue: 'media', name: 'StoreTenantMedia', payload, dedupeId: 'leaky', delayMs: 600_000 }])
    }
    const leaky = await ground().probe('--url', api.url, '--count', '1')
    expect([leaky.exit, leaky.report.blind]).toEqual([8, []])
    expect(leaky.report.leaks).toEqual([
      {
        where: expect.stringMatching(/^redis: .*:media:/),
        reader: expect.stringMatching(/-0$/),
        owner: expect.stringMatching(/-1$/),
        what: expect.stringMatching(/^marker canary/),
      },
    ])
    meddle = async () => void (await desk.removeTenants(new Set((await canaries()).map(({ id }) => id))))
    const { exit, report } = await ground().probe('--url', api.url, '--count', '1')
    expect([exit, report.leaks]).toEqual([8, []])
    expect(report.blind).toEqual(
      [0, 1].map(number => expect.stringMatching(new RegExp(`^redis: its job: leak-probe-.*-${number}$`))),
    )
    expect(await ground().leftovers()).toEqual([])
  })

  on('embedded')('tells what it saw where its tenants cannot be removed, and the next one removes them', async () => {
    const { kysely } = ground().app.catalog
    let leaks = false
    await using api = await served(ground().app, ({ server }) => {
      server.addHook('onSend', async (request, _reply, payload) => {
        if (!request.url.startsWith('/v1/usage')) return payload
        await sql`create trigger if not exists stays before delete on tenants begin select raise(abort, 'it stays'); end`.execute(
          kysely,
        )
        const marked = kysely.selectFrom('sources').select('url').where('url', 'like', '%leak-probe%').orderBy('id', 'desc')
        return leaks ? `${JSON.stringify(await marked.executeTakeFirst())}` : payload
      })
    })
    for (const [exit, left] of [
      [1, 0],
      [8, 2],
    ]) {
      leaks = exit === 8
      const probed = await ground().probe('--url', api.url, '--count', '1')
      await sql`drop trigger stays`.execute(kysely)
      expect(probed, probed.err).toMatchObject({
        exit,
        report: { left_before: left, unremoved: expect.stringContaining('it stays') },
      })
      expect(probed.report.leaks.length > 0).toBe(leaks)
    }
    expect(await ground().probe('--count', '1')).toMatchObject({ exit: 0, report: { left_before: 2, unremoved: null } })
    expect(await ground().leftovers()).toEqual([])
  })

  on('mysql + sync')('finds a row of one that is written under the number of another', async () => {
    // The reader's first request for its usage comes after all are planted.
    let done = false
    await using api = await served(ground().app, ({ server }) => {
      server.addHook('preHandler', async () => {
        if (done) return
        done = true
        const [a, b] = await ground()
          .app.catalog.kysely.selectFrom('tenants')
          .innerJoin('placements', 'placements.id', 'tenants.placement_id')
          .select(['tenants.id', 'database_name'])
          .where('slug', 'like', 'leak-probe-%')
          .where('kind', '=', 'shared')
          .orderBy('tenants.id')
          .execute()
        await ground().app.catalog.server.use<TenantSchema, void>(a?.database_name as never, async database => {
          const posts = sql.raw(database.qualify('posts'))
          await sql`update ${posts} set tenant_id = ${a?.id}, feed_id = (select min(id) from (select id from ${sql.raw(database.qualify('feeds'))} where tenant_id = ${a?.id}) f) where tenant_id = ${b?.id} and id = (select m from (select max(id) m from ${posts} where tenant_id = ${b?.id}) x)`.execute(
            database.kysely,
          )
        })
      })
    })
    const { exit, report } = await ground().probe('--url', api.url)
    expect(exit).toBe(8)
    expect(report.leaks.map(leak => leak.where)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^GET \/v1\/posts/), 'tenant export']),
    )
  })

  on('embedded')('finds an object of one below the prefix of another, and a link that opens whatever it is put to', async () => {
    let done = false
    const signal = new AbortController().signal
    await using api = await served(ground().app, ({ server }) => {
      server.addHook('onRequest', async (request, reply) => {
        if (!done && request.url.startsWith('/v1/')) {
          done = true
          const [a, b] = await ground()
            .app.catalog.kysely.selectFrom('tenants')
            .selectAll()
            .where('slug', 'like', 'leak-probe-%')
            .orderBy('id')
            .execute()
          const { target } = await ground().app.disks()
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
    const { exit, report } = await ground().probe('--url', api.url, '--count', '1')
    expect(exit).toBe(8)
    expect(report.leaks.map(leak => leak.where)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/: bytes of an object$/),
        expect.stringMatching(/^GET \/media\/\*: the owner's path/),
      ]),
    )
  })

  on('embedded')('passes no API where a tenant does not even see its own', async () => {
    await using api = await served(ground().app, ({ server }) => {
      server.addHook('onSend', async (request, _reply, payload) =>
        request.url.startsWith('/v1/posts') ? '{"posts":[],"next":null}' : payload,
      )
    })
    const { exit, report, err } = await ground().probe('--url', api.url, '--count', '1')
    expect([exit, report.leaks]).toEqual([8, []])
    expect(report.blind).toContainEqual(expect.stringMatching(/^GET \/v1\/posts: leak-probe-/))
    expect(err).toContain('did not see what it put there itself')
  })
})
