import { expect, it } from 'vitest'
import { Sightings } from '../../../src/api/probe/sightings.js'
import { lookAtRedis } from '../../../src/api/probe/stores.js'
import { serveApi } from '../../../src/api/server.js'
import { describeDrivers } from '../../support/drivers.js'
import { ProbeGround } from './ground.js'

/** What is said where each process has a queue of its own. */
const NO_QUEUE = 'jobs: no queue is shared (QUEUE_CONNECTION=sync)'

describeDrivers('a probe for leaks between tenants', (env, combination) => {
  const { ground, on } = ProbeGround.ofBlock(env, combination)

  it('finds none where there is none, has looked everywhere, and leaves nothing', async () => {
    const { exit, report, err } = await ground().probe()
    const unlooked = ground().installation.onRedis ? [] : [NO_QUEUE]
    expect([exit, report.leaks, report.blind, report.unlooked, report.unremoved], err).toEqual([0, [], [], unlooked, null])
    expect(report).toMatchObject({ url: null, pairs: 12, left_before: 0 })
    expect(report.tenants.map(tenant => tenant.placement)).toEqual(['shared', 'shared', 'dedicated', 'dedicated'])
    expect(report.looks).toMatchObject({
      answers: expect.any(Number),
      links: expect.any(Number),
      rows: 4,
      changes: expect.any(Number),
    })
    expect(report.looks.objects).toBeGreaterThanOrEqual(8)
    if (ground().installation.onRedis) {
      expect(report.looks.keys).toBeGreaterThan(0)
      expect(report.looks.jobs).toBeGreaterThanOrEqual(4)
    }
    expect(await ground().leftovers()).toEqual([])
  })

  on('embedded')('leaves a customer alone whose slug begins like those of its own tenants', async () => {
    await ground().installation.createTenant('leak-probe-acme', [])
    expect(await ground().probe('--count', '1')).toMatchObject({ exit: 0, report: { left_before: 0 } })
    expect(await ground().installation.run(['tenant', 'show', 'leak-probe-acme'])).toMatchObject({ exit: 0 })
    expect(await ground().installation.run(['tenant', 'delete', 'leak-probe-acme', '--now', '--yes'])).toMatchObject({ exit: 0 })
    await ground().app.catalog.kysely.deleteFrom('receipts').where('slug', '=', 'leak-probe-acme').execute()
  })

  on('embedded')('passes over a host that is full and says so, and fails where there is no room for two', async () => {
    const bound = (max_tenants: number | null) => ground().app.catalog.kysely.updateTable('hosts').set({ max_tenants }).execute()
    await bound(3)
    const { exit, report, err } = await ground().probe()
    const unlooked = [expect.stringMatching(/^host default: /), NO_QUEUE]
    expect([exit, report.tenants.length, report.unlooked], err).toEqual([0, 3, unlooked])
    await bound(1)
    expect(await ground().probe()).toMatchObject({ exit: 4, err: expect.stringContaining('HOST_FULL') })
    await bound(null)
    expect(await ground().leftovers()).toEqual([])
  })

  on('sqlite + redis')('says what it had no time for in Redis', async () => {
    const look = (budgetMs: number) => lookAtRedis(ground().app, [], new Sightings([]), new AbortController().signal, budgetMs)
    expect(await look(60_000)).toEqual([])
    expect(await look(-1)).toEqual([expect.stringMatching(/^redis: /)])
  })

  on('embedded', 'mysql + redis')('asks an API that runs, and keeps its tenants until the next probe', async () => {
    const api = await serveApi(ground().app, { host: '127.0.0.1', port: 0 })
    try {
      expect(await ground().probe('--url', api.url, '--count', '1', '--keep')).toMatchObject({
        exit: 0,
        report: { url: api.url, leaks: [], blind: [] },
      })
      expect(await ground().leftovers()).not.toEqual([])
      expect(await ground().probe('--url', api.url, '--count', '1')).toMatchObject({ exit: 0, report: { left_before: 2 } })
      expect(await ground().leftovers()).toEqual([])
    } finally {
      await api.stop(1000)
    }
  })

  on('mysql + redis')('removes its tenants when it is interrupted', async () => {
    const stop = new AbortController()
    const api = await serveApi(ground().app, { host: '127.0.0.1', port: 0 })
    try {
      let asked = 0
      api.built.server.server.on(
        'request',
        () => ++asked === 20 && stop.abort(Object.assign(new Error('stop'), { name: 'AbortError' })),
      )
      const { exit } = await ground().installation.run(['tenant', 'probe', '--url', api.url], { signal: stop.signal })
      expect(exit).not.toBe(0)
      expect(await ground().leftovers()).toEqual([])
    } finally {
      await api.stop(1000)
    }
  })

  on('embedded')('says in a word where there is no API', async () => {
    expect(await ground().probe('--url', 'http://127.0.0.1:1')).toMatchObject({ exit: 5 })
    expect(await ground().probe('--url', 'nonsense')).toMatchObject({ exit: 2 })
    expect(await ground().probe('--url', 'http://127.0.0.1:1/base')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('no path'),
    })
    expect(await ground().leftovers()).toEqual([])
  })
})
