import { beforeAll, describe, expect, it } from 'vitest'
import type { Catalog } from '../../src/tenants/catalog.js'
import { addServed, HOUR_MS } from '../../src/tenants/served-hours.js'
import { runCli } from '../support/cli.js'
import { describeDrivers, type TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { openInstallation } from '../tenants/installation.js'
import { keepGiven, MODEL } from './results.js'

const DAY_MS = 86_400_000

async function capacity(env: TestEnv, ...flags: string[]) {
  const { exit, out, err } = await runCli(['capacity', '--json', ...flags], { env })
  expect([exit, err]).toEqual([0, ''])
  return JSON.parse(out)
}

/** Ages of tenants in days, as if they had been made then. */
async function age(catalog: Catalog, ages: readonly number[]): Promise<void> {
  const rows = await catalog.kysely.selectFrom('tenants').select('id').orderBy('id').execute()
  for (const [index, { id }] of rows.entries()) {
    const created = Date.now() - (ages[index] ?? 0) * DAY_MS
    await catalog.kysely.updateTable('tenants').set({ created_at: created }).where('id', '=', id).execute()
  }
}

describeDrivers('feedctl capacity', (env, combination) => {
  beforeAll(async () => {
    if (env.DB_CONNECTION === 'mysql') await runCli(['init'], { env })
  })

  it('of an empty installation is the first phase, with nothing known', async () => {
    const found = await capacity(env)
    expect(found).toMatchObject({ phase: 'mvp', used_percent: 0, limit: 'tenants', monthly_cost: 15, currency: 'EUR' })
    expect(found.next).toMatchObject({ phase: 'growth', at: null, monthly_cost: 30 })
    expect(found.full.why).toBe('growth is not known yet')
    expect(found.load).toEqual({ tenants: 0, concurrent_users: null, requests_per_s: null })
    expect(found.table.map((row: { phase: string }) => row.phase)).toEqual(['mvp', 'growth', 'scale', 'enterprise'])
    const redis = found.next.steps.map(({ id }: { id: string }) => id).includes('redis-server')
    expect(redis).toBe(!combination.includes('redis'))
  })

  it('measures growth from the catalog, removed tenants included, and what was served from its hours', async () => {
    await runCli(['tenant', 'create', '--count', '22', '--placement', 'shared'], { env })
    const { catalog } = await openInstallation(env)
    await age(catalog, [...Array(11).fill(28.5), ...Array(11).fill(3)])
    // The second was there four weeks ago: it left since.
    await runCli(['tenant', 'delete', 'p0002', '--now', '--yes'], { env })
    const hourAt = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
    const whole = (at: number) => ({ hourAt: at, firstAt: at, lastAt: at + HOUR_MS - 1 })
    await addServed(catalog, [
      { ...whole(hourAt), process: 'one:1:a', requests: 500, peakPerS: 40, connections: 9 },
      { ...whole(hourAt), process: 'two:1:b', requests: 500, peakPerS: 44, connections: 8 },
      { ...whole(hourAt - 40 * DAY_MS), process: 'one:1:a', requests: 9, peakPerS: 9_000, connections: 900 },
    ])
    const found = await capacity(env)
    expect(found.load).toEqual({ tenants: 21, concurrent_users: 17, requests_per_s: 84 })
    expect(found.growth.why).toContain('11 tenants 4 weeks ago, 21 now')
    expect(found.growth.percent_per_week).toBeCloseTo(((21 / 11) ** (1 / 4) - 1) * 100, 1)
    expect(found).toMatchObject({ phase: 'mvp', limit: 'requests_per_s', used_percent: 84 })
    expect(found.full.weeks).toBeGreaterThan(1)
    expect(Date.parse(found.next.at)).toBeGreaterThan(Date.now())
  })

  it('plans for what is asked instead', async () => {
    const found = await capacity(env, '--tenants', '305', '--users', '1', '--rps', '1', '--growth', '0%/week')
    expect(found).toMatchObject({ phase: 'growth', used_percent: 61, limit: 'tenants', monthly_cost: 30 })
    expect(found.full).toEqual({ weeks: null, at: null, why: 'not at this growth' })
    expect(found.next).toMatchObject({ phase: 'scale', at: null, monthly_cost: 150 })
    expect(found.next.actions).toContain('feedctl infra render --phase scale --out deploy-scale')
  })

  it('counts what was measured here with these drivers', async () => {
    const drivers = {
      ...{ db: env.DB_CONNECTION ?? '', cache: env.CACHE_DRIVER ?? '', queue: env.QUEUE_CONNECTION ?? '' },
    }
    const data = env.FEEDCTL_DATA ?? ''
    const row = { phase: 'mvp', metric: 'requests_per_s' }
    await keepGiven(data, { at: 1_000, drivers, rows: [{ ...row, measured: 900 }] })
    await keepGiven(data, { at: 2_000, drivers, rows: [{ ...row, measured: 800 }], model: MODEL })
    await keepGiven(data, { at: 3_000, drivers, rows: [{ ...row, measured: 1, valid: false }] })
    await keepGiven(data, { at: 4_000, drivers: { db: 'other', cache: 'x', queue: 'y' }, rows: [{ ...row, measured: 2 }] })
    await keepGiven(data, {
      at: 4_500,
      drivers,
      scenario: 'api',
      settings: { urls: ['http://a'] },
      rows: [{ ...row, measured: 4 }],
    })
    await keepGiven(data, { at: 4_600, drivers, cpus: 4_000, rows: [{ ...row, measured: 6 }] })
    await keepGiven(data, { at: 4_700, drivers, modelHolds: false, model: { ...MODEL, lambda: 1 } })
    for (let at = 6_000; at < 6_025; at++) await keepGiven(data, { at, drivers, settings: { urls: ['http://a'] } })
    await keepGiven(data, {
      at: 2_500,
      drivers,
      rows: [
        { ...row, measured: 0 },
        { ...row, phase: 'growth', measured: 0 },
      ],
    })
    await keepGiven(data, { at: 5_000, drivers, scenario: 'queue', rows: [{ ...row, measured: 3 }] })
    const found = await capacity(env, '--rps', '700', '--users', '1', '--explain')
    expect(found).toMatchObject({ phase: 'mvp', used_percent: 88, limit: 'requests_per_s', bench_at: '1970-01-01T00:00:02.500Z' })
    expect(found.table[0].requests_per_s).toMatchObject({ guide: 100, measured: 800, carries: 800, from: 'measured' })
    expect(found.table[1].requests_per_s).toMatchObject({ guide: 500, measured: null, carries: 800, from: 'phase_before' })
    expect(found.processes).toMatchObject({ requests_per_s: 700, needed: 1, bottleneck: 'contention' })
    const bench = found.assumptions.find(({ what }: { what: string }) => what === 'last benchmark')
    expect(bench.why).toContain('28 measured with other drivers, on another machine, or by --url, do not count')
    const growth = found.assumptions.find(
      ({ what, value }: Record<string, string>) => what === 'growth carries' && value?.includes('requests/s'),
    )
    expect(growth.why).toContain('0 was measured here, which shows no capacity and does not count')
    expect((await capacity(env, '--rps', '90000')).processes).toMatchObject({
      needed: null,
      why: expect.stringContaining('nothing is said'),
    })
  })
})

describe('feedctl capacity, as text', () => {
  it('fits 80 columns, says what to do with the commands, and where each figure is from', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder() }
    await keepGiven(env.FEEDCTL_DATA, { model: MODEL })
    const { out, exit } = await runCli(['capacity', '--tenants', '1500', '--rps', '1900', '--growth', '5%', '--explain'], { env })
    expect(exit).toBe(0)
    expect(out).toMatch(/^Phase scale: 95 % used, by requests\/s; 150 EUR a month\n/)
    expect(out).toContain('full              in 1.1 weeks')
    expect(out).toMatch(/\n {2}1\. sudo apt install redis-server\n/)
    expect(out).toMatch(/Next: enterprise by \d{4}-\d\d-\d\d, 500 to 2,000 EUR a month\n/)
    expect(out).toContain('3 processes')
    expect(out).toContain('bottleneck: contention')
    expect(out).toContain('its priced parts come to 125')
    expect(out.split('\n').filter(line => line.length > 80)).toEqual([])
  })

  it('shows cents where there are some', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder(), FEEDCTL_COSTS: '{"mvp":9.5,"growth":{"server":20,"Wasabi":6.99}}' }
    const { out } = await runCli(['capacity', '--explain'], { env })
    expect(out).toContain('; 9.50 EUR a month')
    expect(out).toContain('Next: growth, 26.99 EUR a month')
    expect(out).toContain('server 20 + Wasabi 6.99')
  })

  it('of more than the guide speaks of says so, and of the last phase that nothing follows', async () => {
    const { out } = await runCli(['capacity', '--tenants', '60000'], { env: { FEEDCTL_DATA: temporaryFolder() } })
    expect(out).toContain('Phase enterprise: 120 % used')
    expect(out).toContain('This is more than anything the guide speaks of')
    expect(out).toContain('This is the last phase')
  })
})

describe('feedctl capacity that cannot be had', () => {
  it.each([
    [['--growth', 'fast'], {}, 2, 'USAGE'],
    [['--growth', '-100%'], {}, 2, 'USAGE'],
    [['--tenants', '-1'], {}, 2, 'USAGE'],
    [[], { FEEDCTL_COSTS: '{"mvp":-1}' }, 3, 'FEEDCTL_COSTS'],
    [[], { FEEDCTL_COSTS: '{"largest":1}' }, 3, 'FEEDCTL_COSTS'],
    [[], { FEEDCTL_COSTS: '{"enterprise":[9,1]}' }, 3, 'FEEDCTL_COSTS'],
    [[], { DB_CONNECTION: 'mysql', DB_HOST: '127.0.0.1', DB_PORT: '1' }, 5, 'UNAVAILABLE'],
  ])('with %j and %j exits %s', async (flags, settings, exit, words) => {
    const end = await runCli(['capacity', ...flags], { env: { FEEDCTL_DATA: temporaryFolder(), ...settings } })
    expect(end.exit).toBe(exit)
    expect(end.err).toContain(words)
  })

  it('without a catalog says what makes it', async () => {
    const { sharedMariadbEnv } = await import('../support/drivers.js')
    const end = await runCli(['capacity'], {
      env: { FEEDCTL_DATA: temporaryFolder(), ...sharedMariadbEnv(), DB_CONNECTION: 'mysql' },
    })
    expect(end.err).toContain('feedctl init')
    expect(end.exit).toBe(3)
  })
})
