import { expect, it, onTestFinished, vi } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { dedicatedDatabase, parseSlug } from '../../src/tenants/ids.js'
import { createTenants } from '../../src/tenants/provision.js'
import { markDeleted } from '../../src/tenants/removal.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn, wish } from './installation.js'
import { onServer, serverWith } from './servers.js'

describeDatabases('creating many tenants where something fails', (env, kind) => {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, n) => wish(`${name}-${n}`))
  const nameOf = ({ prefix }: Installation, slug: string) => dedicatedDatabase(prefix, parseSlug(slug))
  const stateOf = async ({ catalog }: Installation, slug: string) => (await getTenant(catalog, parseSlug(slug))).state

  it('creates the others of one whose database is being dropped, and of one whose is of another kind', async () => {
    const here = await openInstallation(env)
    const { id } = await here.catalog.kysely.selectFrom('hosts').select('id').executeTakeFirstOrThrow()
    const row = { host_id: id, schema_version: 0, created_at: 1 }
    await insertRows(here.catalog.database, 'placements', [
      { ...row, kind: 'dropping', database_name: nameOf(here, 'placed-1') as string },
      { ...row, kind: 'shared', database_name: nameOf(here, 'placed-2') as string },
    ])
    const report = await createTenants(here.catalog, here.prefix, many('placed', 4), {})
    expect(report.tenants).toEqual({ total: 4, created: 2, existing: 0, failed: 2 })
    expect(report.failures).toMatchObject([
      { slug: 'placed-1', code: 'LOCKED' },
      { slug: 'placed-2', code: 'DATABASE_TAKEN' },
    ])
  })

  it.each([
    'dedicated',
    'shared',
  ] as const)('creates the others of those on a host that cannot be opened (%s)', async placement => {
    const here = await openInstallation(env)
    const { kysely, hosts } = here.catalog
    const row = { name: 'closed', address: '/nowhere', weight: 0, created_at: 1 }
    await kysely.insertInto('hosts').values(row).execute()
    onTestFinished(async () => {
      await kysely.deleteFrom('placements').where('database_name', 'like', '%closed%').execute()
      await kysely.deleteFrom('hosts').where('name', '=', 'closed').execute()
    })
    const serverOf: typeof hosts.serverOf = async host => {
      if (host === 'closed') throw new Failure('CONFIG_INVALID', 'there is no password for the host closed')
      return hosts.serverOf(host)
    }
    const wanted = [
      { ...wish(`closed-${placement}`, placement), host: 'closed' },
      ...[1, 2].map(n => wish(`open-${placement}-${n}`, placement)),
    ]
    const report = await createTenants({ ...here.catalog, hosts: { ...hosts, serverOf } }, here.prefix, wanted, {})
    expect(report.tenants).toEqual({ total: 3, created: 2, existing: 0, failed: 1 })
    expect(report.failures).toMatchObject([{ slug: `closed-${placement}`, code: 'CONFIG_INVALID' }])
  })

  it('creates the others of one whose making meets what nobody knew of, tells of that, and finishes it later', async () => {
    const here = await openInstallation(env)
    const bad = nameOf(here, 'odd-1')
    const server = serverWith(here.catalog.server, {
      create: async name => {
        if (name === bad) throw new Error("can't create database (errno: 28)")
        return here.catalog.server.create(name)
      },
    })
    const bugs: unknown[] = []
    const onBug = (error: unknown) => bugs.push(error)
    const report = await createTenants(onServer(here.catalog, server), here.prefix, many('odd', 3), { onBug })
    expect(report.tenants).toEqual({ total: 3, created: 2, existing: 0, failed: 1 })
    expect(report.failures).toEqual([{ slug: 'odd-1', code: 'BUG', message: "can't create database (errno: 28)" }])
    expect(bugs).toMatchObject([{ message: "can't create database (errno: 28)" }])
    expect((await createTenants(here.catalog, here.prefix, many('odd', 3), {})).tenants).toMatchObject({
      created: 1,
      existing: 2,
    })
  })

  it('keeps its claims while it makes them, and tells the truth of those that it lost', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const claims = () =>
      catalog.kysely
        .selectFrom('tenants')
        .select(['slug', 'claimed_at'])
        .where('slug', 'like', 'long-%')
        .where('state', '=', 'provisioning')
        .where('claimed_by', 'is not', null)
        .where('claimed_by', '<>', 'elsewhere:1:token')
    const lost = (slug: string, claimed_by: string | null) =>
      catalog.kysely.updateTable('tenants').set({ claimed_by }).where('slug', '=', slug).execute()
    let made = 0
    let settledAt: readonly { slug: string; claimed_at: number | null }[] | null = null
    const server = serverWith(catalog.server, {
      use: async (...use) => {
        if (made >= 5) settledAt ??= await claims().execute()
        const answer = await catalog.server.use(...use)
        if (++made !== 5) return answer
        // Each has its tables, or is about to have them, and none is open to anyone.
        await lost('long-1', null)
        await tenantIn(here, 'long-1')
        await lost('long-2', 'elsewhere:1:token')
        await markDeleted(catalog, parseSlug('long-3'), 0, ['provisioning'])
        await catalog.kysely.updateTable('tenants').set({ claimed_at: 1 }).where('slug', 'like', 'long-%').execute()
        return answer
      },
    })
    const report = await createTenants(onServer(catalog, server), here.prefix, many('long', 5), {})
    expect(report.tenants).toEqual({ total: 5, created: 2, existing: 1, failed: 2 })
    // In the order in which their tables were made.
    expect(report.failures.toSorted((a, b) => a.slug.localeCompare(b.slug))).toMatchObject([
      { slug: 'long-2', code: 'TENANT_EXISTS' },
      { slug: 'long-3', code: 'TENANT_WRONG_STATE' },
    ])
    // On SQLite each is settled by itself, right after its tables.
    if (kind === 'mysql') expect(settledAt).toHaveLength(2)
    for (const { claimed_at } of kind === 'mysql' ? (settledAt ?? []) : []) expect(claimed_at).toBeGreaterThan(1)
    expect(await Promise.all([0, 1, 2, 3, 4].map(n => stateOf(here, `long-${n}`)))).toEqual([
      'active',
      'active',
      'provisioning',
      'deleting',
      'active',
    ])
  })

  it('renews its claims before they run out where making takes long', async () => {
    const here = await openInstallation(env)
    const now = Date.now
    onTestFinished(() => void vi.restoreAllMocks())
    let claimedAt = 0
    const server = serverWith(here.catalog.server, {
      create: async name => {
        vi.spyOn(Date, 'now').mockImplementation(() => now() + 30_000)
        const last = here.catalog.kysely.selectFrom('tenants').select('claimed_at').where('slug', '=', 'slow-19')
        claimedAt = (await last.executeTakeFirstOrThrow()).claimed_at ?? 0
        return here.catalog.server.create(name)
      },
    })
    const begun = now()
    await createTenants(onServer(here.catalog, server), here.prefix, many('slow', 20), {})
    expect(claimedAt - begun).toBeGreaterThanOrEqual(30_000)
  })

  it('begins no more on a host that does not answer than it had begun by then', async () => {
    const here = await openInstallation(env)
    let asked = 0
    const server = serverWith(here.catalog.server, {
      create: async () => {
        asked++
        throw new Failure('UNAVAILABLE', 'the host does not answer')
      },
    })
    const report = await createTenants(onServer(here.catalog, server), here.prefix, many('down', 30), {})
    expect(report.tenants).toEqual({ total: 30, created: 0, existing: 0, failed: 30 })
    expect(asked).toBeLessThanOrEqual(8)
    expect((await createTenants(here.catalog, here.prefix, many('down', 30), {})).tenants).toMatchObject({ created: 30 })
  })

  it('asks a host that does not answer once more for one of them, not for each', async () => {
    const here = await openInstallation(env)
    let uses = 0
    const server = serverWith(here.catalog.server, {
      use: async (...use) => {
        if (++uses > 6) throw new Failure('UNAVAILABLE', 'the host does not answer')
        return here.catalog.server.use(...use)
      },
    })
    const report = await createTenants(onServer(here.catalog, server), here.prefix, many('away', 6), {})
    expect(report.tenants).toEqual({ total: 6, created: 0, existing: 0, failed: 6 })
    expect(new Set(report.failures.map(({ code }) => code))).toEqual(new Set(['UNAVAILABLE']))
    // On SQLite each is a file of its own.
    expect(uses).toBe(6 + (kind === 'mysql' ? 2 : 6))
    expect((await createTenants(here.catalog, here.prefix, many('away', 6), {})).tenants).toMatchObject({ created: 6 })
  })
})
