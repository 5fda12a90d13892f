import { renameSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { ApiGround } from '../api/ground.js'
import { sharedMariadbEnv } from '../support/drivers.js'
import { secondHost } from '../support/second-host.js'

describe.each(['sqlite', 'mysql'] as const)('a host that is away (%s)', kind => {
  const second = secondHost(kind)
  const stop = async () => (kind === 'mysql' ? second.server.stop() : renameSync(second.address, `${second.address}-away`))
  const start = async () => (kind === 'mysql' ? second.server.start() : renameSync(`${second.address}-away`, second.address))

  test('takes its own tenants along and nobody else: they are synced and served, and all are when it is back', async () => {
    const feeds = await startFeedServer({ items: 3 })
    onTestFinished(() => feeds.close())
    const own = kind === 'mysql' ? sharedMariadbEnv() : {}
    await using ground = await ApiGround.create({ ...second.with(own, 'second'), FEEDCTL_API_CACHE_BYTES: '0' })
    const { installation } = ground
    expect(await installation.run(['host', 'add', 'second', '--address', second.address])).toMatchObject({ exit: 0 })
    const tokens: Record<string, string> = {}
    for (const [slug, host] of [
      ['here', 'default'],
      ['there', 'second'],
      ['shared', 'second'],
    ] as const) {
      const placement = slug === 'shared' ? 'shared' : 'dedicated'
      tokens[slug] = await ground.tenant(slug, ['--host', host, '--placement', placement])
      expect(await installation.run(['feed', 'add', slug, feeds.urlOf(1), '--unseen'])).toMatchObject({ exit: 0 })
    }
    const statusOf = async (slug: string) =>
      (await ground.ask('/v1/posts', { headers: { authorization: `Bearer ${tokens[slug]}` } })).status
    const statuses = async () => [await statusOf('here'), await statusOf('there'), await statusOf('shared')]
    expect((await installation.sync('--all')).report.tenants).toMatchObject({ ok: 3, failed: 0 })
    expect(await statuses()).toEqual([200, 200, 200])

    await stop()
    const { exit, report } = await installation.sync('--all', '--force')
    expect(exit).toBe(6)
    expect(report.tenants).toMatchObject({ total: 3, ok: 1, failed: 2 })
    for (const { tenant, code, message } of report.failures) {
      expect(['there', 'shared']).toContain(tenant)
      expect({ code, message }).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('database host second') })
    }
    expect(await statuses()).toEqual([200, 503, 503])

    await start()
    expect((await installation.sync('--all', '--force')).report.tenants).toMatchObject({ ok: 3, failed: 0 })
    expect(await statuses()).toEqual([200, 200, 200])
  })
})
