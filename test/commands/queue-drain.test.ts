import { describe, expect, test } from 'vitest'
import { skipWaiting } from '../../src/feeds/runs.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { Installation } from '../e2e/installation.js'
import { addJobs, optionsOf, syncJob } from '../queues/desk-jobs.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

test('queue drain asks for a yes, and removes what waits of a tenant, of some queues, or of all', async () => {
  await using installation = await Installation.create({
    ...sharedRedisEnv(),
    QUEUE_CONNECTION: 'redis',
    CACHE_DRIVER: 'redis',
  })
  for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [])
  const options = optionsOf(installation.env)
  const jobs = [syncJob(1), syncJob(2), { ...syncJob(1), queue: 'media' }, { ...syncJob(2), queue: 'media' }] as const
  await addJobs(options, jobs)
  const drain = async (...argv: string[]) => {
    const { exit, out, err } = await installation.run(['queue', 'drain', ...argv, '--yes', '--json'])
    expect([exit, err]).toEqual([0, ''])
    return JSON.parse(out)
  }
  expect(await installation.run(['queue', 'drain'])).toMatchObject({ exit: 2, err: expect.stringContaining('--yes') })
  expect(await installation.run(['queue', 'drain', '--tenant', 'nobody', '--yes'])).toMatchObject({ exit: 4 })
  expect(await drain('--tenant', 'acme', '--queue', 'sync')).toEqual({
    drained: [{ queue: 'sync', jobs: 1 }],
    total: 1,
    tenants_skipped: 0,
  })
  expect(await drain('--queue', 'media')).toMatchObject({ drained: [{ queue: 'media', jobs: 2 }], total: 2 })
  expect(await drain()).toMatchObject({ total: 1 })
  expect(await drain()).toMatchObject({ total: 0 })
  await addJobs(options, jobs)
  const { out } = await installation.run(['queue', 'drain', '--yes'])
  expect(out).toBe('removed 4 waiting jobs\n  sync: 2\n  media: 2\n')
})

describe.each<[name: string, env: () => TestEnv]>([
  ['sqlite', () => ({})],
  ['mysql', sharedMariadbEnv],
])('draining the queue of the syncs (%s)', (_name, env) => {
  test('ends the runs that waited for them, and nothing of a tenant whose job is under way', async () => {
    const redis = { ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' }
    await using installation = await Installation.create({ ...env(), ...redis })
    for (const slug of ['acme', 'acme-2', 'globex']) await installation.createTenant(slug, [])
    await using app = await installation.open()
    for (let run = 0; run < 2; run++) expect(await installation.run(['sync', '--all', '--detach'])).toMatchObject({ exit: 0 })
    const rows = app.catalog.kysely.selectFrom('run_tenants')
    const [{ run_id: first } = { run_id: '' }] = await rows.select('run_id').orderBy('run_id').execute()
    const one = app.catalog.kysely.updateTable('run_tenants').where('run_id', '=', first).where('tenant_id', '=', 3)
    await one.set({ state: 'running', job_token: 'x' }).execute()
    const states = async () => {
      const found = await rows.select(['tenant_id', 'state', 'finished_at']).orderBy('run_id').orderBy('tenant_id').execute()
      for (const { state, finished_at } of found) expect(finished_at === null).toBe(state !== 'skipped')
      return found.map(({ tenant_id, state }) => `${tenant_id} ${state}`)
    }
    const drain = ['queue', 'drain', '--queue', 'sync', '--yes']
    const { out } = await installation.run([...drain, '--tenant', 'acme'])
    expect(out).toBe('removed 1 waiting job\n  sync: 1\n1 tenant skipped in the runs that waited for it\n')
    expect(await states()).toEqual(['1 skipped', '2 queued', '3 running', '1 skipped', '2 queued', '3 queued'])
    const all = await installation.run([...drain, '--json'])
    expect(JSON.parse(all.out)).toEqual({ drained: [{ queue: 'sync', jobs: 2 }], total: 2, tenants_skipped: 2 })
    expect(await states()).toEqual(['1 skipped', '2 skipped', '3 running', '1 skipped', '2 skipped', '3 skipped'])
    expect(JSON.parse((await installation.run([...drain, '--json'])).out)).toMatchObject({ total: 0, tenants_skipped: 0 })
  })
})

test('what waits is skipped page by page, over many runs', async () => {
  await using installation = await Installation.create({})
  await using app = await installation.open()
  const rows = Array.from({ length: 2_600 }, (_, n) => {
    const state: 'queued' | 'running' | 'ok' = n % 10 === 0 ? 'running' : n % 10 === 1 ? 'ok' : 'queued'
    return { run_id: `run-${n % 7}`, tenant_id: Math.floor(n / 7) + 1, state }
  })
  await insertRows(app.catalog.database, 'run_tenants', rows)
  expect(await skipWaiting(app.catalog, null)).toBe(372)
  const counted = app.catalog.kysely.selectFrom('run_tenants').select(eb => ['state', eb.fn.countAll<number>().as('rows')])
  expect(await counted.groupBy('state').orderBy('state').execute()).toEqual([
    { state: 'ok', rows: 260 },
    { state: 'running', rows: 260 },
    { state: 'skipped', rows: 2_080 },
  ])
})
