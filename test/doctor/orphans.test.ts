import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { goneAmong, isOurs as isOursIn } from '../../src/doctor/orphans.js'
import { claimTenants } from '../../src/tenants/claim.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { dbUserOf } from '../../src/tenants/db-users.js'
import { parseDatabaseName, parseSlug } from '../../src/tenants/ids.js'
import { dropUnplaced, type Unplaced } from '../../src/tenants/removal/unplaced.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { runCli } from '../support/cli.js'
import { dropDatabases, sharedMariadbEnv, type TestEnv } from '../support/drivers.js'
import { describeDatabases, openInstallation, wish } from '../tenants/installation.js'

interface Found {
  readonly id: string
  readonly severity: string
  readonly evidence: string
}

describeDatabases('feedctl doctor, of tenants that are gone,', (env, kind) => {
  const orphans = async (own: TestEnv, ...flags: string[]): Promise<Record<string, string>> => {
    const { out } = await runCli(['doctor', ...flags, '--json'], { env: own })
    const findings = (JSON.parse(out) as { findings: Found[] }).findings
    const ours = findings.filter(({ id }) => id.startsWith('orphans.'))
    return Object.fromEntries(ours.map(({ id, severity, evidence }) => [id, `${severity} ${evidence}`]))
  }
  const cli = (...argv: string[]) => runCli(argv, { env })
  beforeAll(async () => {
    await cli('init')
  })

  it('finds nothing where nothing is left', async () => {
    await cli('tenant', 'create', 'alive')
    await cli('tenant', 'create', 'alive-2', '--placement', 'shared')
    for (const said of Object.values(await orphans(env))) expect(said).toMatch(/^ok nothing is left/)
  })

  it.runIf(kind === 'mysql')('finds the database user of a tenant that is gone, and --fix drops it', async () => {
    const { catalog } = await openInstallation(env)
    await cli('tenant', 'create', 'had-user', '--db-user')
    const { id, placement } = await getTenant(catalog, parseSlug('had-user'))
    const username = await dbUserOf(catalog, placement)
    await catalog.kysely.deleteFrom('tenants').where('id', '=', id).execute()
    expect((await orphans(env))['orphans.users']).toContain(`warn 1 database user without a tenant: ${username} on default`)
    expect((await orphans(env, '--fix', '--yes'))['orphans.users']).toMatch(/^ok nothing is left/)
    expect(await dbUserOf(catalog, placement)).toBeNull()
    await cli('tenant', 'create', 'had-user')
    await cli('tenant', 'delete', 'had-user', '--now', '--yes')
  })

  it('looks at the other hosts where one does not answer, and names that one', async () => {
    const { catalog } = await openInstallation(env)
    const address = kind === 'sqlite' ? join(env.FEEDCTL_DATA ?? '', 'unmounted') : '127.0.0.1:1'
    const row = { name: 'gone', address, username: null, weight: 0, created_at: Date.now() }
    await insertRows(catalog.database, 'hosts', [row], 'keep')
    onTestFinished(async () => void (await catalog.kysely.deleteFrom('hosts').where('name', '=', 'gone').execute()))
    const name = parseDatabaseName(`${env.FEEDCTL_DATABASE_PREFIX ?? 'tenant_'}strayed`)
    await cli('tenant', 'create', 'strayed')
    const { id } = await getTenant(catalog, parseSlug('strayed'))
    await catalog.kysely.deleteFrom('tenants').where('id', '=', id).execute()
    await catalog.kysely.deleteFrom('placements').where('database_name', '=', name).execute()
    expect((await orphans(env))['orphans.databases']).toBe(
      `warn 1 database without a tenant: default/${name}; not looked at, since they do not answer: gone`,
    )
    if (kind === 'mysql') {
      const { out } = await cli('doctor', '--json')
      const rights = (JSON.parse(out) as { findings: Found[] }).findings.find(each => each.id === 'database.rights')
      expect(rights?.evidence).toMatch(/^the user has the rights .* on default; not looked at, since they do not answer: gone$/)
    }
    await catalog.server.drop(name)
  })

  it('finds databases, rows and folders that are left, and --fix removes them and nothing of the living', async () => {
    const { catalog } = await openInstallation(env)
    for (const slug of ['left', 'kept']) await cli('tenant', 'create', slug, '--feed', 'https://a.example/')
    for (const slug of ['row-left', 'row-kept'])
      await cli('tenant', 'create', slug, '--placement', 'shared', '--feed', 'https://a.example/')
    const [left, row] = [await getTenant(catalog, parseSlug('left')), await getTenant(catalog, parseSlug('row-left'))]
    await catalog.kysely.deleteFrom('tenants').where('id', 'in', [left.id, row.id]).execute()
    await catalog.kysely.deleteFrom('placements').where('database_name', '=', left.placement.database).execute()
    await cli('tenant', 'create', 'filed')
    const filed = await getTenant(catalog, parseSlug('filed'))
    await cli('tenant', 'delete', 'filed', '--now', '--yes')
    const folderOf = (id: number) => join(env.FEEDCTL_DATA ?? '', 'media', String(id))
    for (const id of [filed.id, 999_999]) mkdirSync(folderOf(id), { recursive: true })
    const found = await orphans(env)
    expect(found['orphans.databases']).toBe(`warn 1 database without a tenant: default/${left.placement.database}`)
    expect(found['orphans.rows']).toBe(`warn 1 tenant without a tenant: ${row.id} in default/${row.placement.database}`)
    expect(found['orphans.media']).toContain('warn 2 folders without a tenant')
    const after = await orphans(env, '--fix', '--yes')
    expect([after['orphans.databases'], after['orphans.rows']]).toEqual(
      Array(2).fill('ok nothing is left of tenants that are gone'),
    )
    // Of this one no receipt says that it was ever this installation's.
    expect([existsSync(folderOf(filed.id)), existsSync(folderOf(999_999))]).toEqual([false, true])
    for (const slug of ['kept', 'row-kept'])
      expect(JSON.parse((await cli('feed', 'list', slug, '--json')).out).feeds).toHaveLength(1)
  })

  it('drops no database that a tenant has by the time of the yes, and lets nobody make one while it is dropped', async () => {
    const { catalog, prefix } = await openInstallation(env)
    await cli('tenant', 'create', 'born', '--feed', 'https://a.example/')
    const born = await getTenant(catalog, parseSlug('born'))
    const found = [{ host: 'default', name: born.placement.database }]
    const isOurs = ({ host, name }: Unplaced) => isOursIn(catalog, host, name)
    expect(await dropUnplaced(catalog, found, isOurs)).toBe(0)
    expect(JSON.parse((await cli('feed', 'list', 'born', '--json')).out).feeds).toHaveLength(1)
    await catalog.kysely.deleteFrom('tenants').where('id', '=', born.id).execute()
    await catalog.kysely.deleteFrom('placements').where('database_name', '=', born.placement.database).execute()
    const dropping = dropUnplaced(catalog, found, async database => {
      await expect(claimTenants(catalog, prefix, [wish('born')], 'a holder')).rejects.toMatchObject({ code: 'LOCKED' })
      return isOurs(database)
    })
    expect(await dropping).toBe(1)
    expect((await cli('tenant', 'create', 'born')).exit).toBe(0)
  })

  it.each([
    ['before', true],
    ['after', false],
  ] as const)('goes on with a database whose dropping was killed %s it was gone', async (when, isThere) => {
    const { catalog } = await openInstallation(env)
    await cli('tenant', 'create', `cut-${when}`)
    const cut = await getTenant(catalog, parseSlug(`cut-${when}`))
    await catalog.kysely.deleteFrom('tenants').where('id', '=', cut.id).execute()
    await catalog.kysely
      .updateTable('placements')
      .set({ kind: 'dropping', schema_version: 0 })
      .where('id', '=', cut.placementId)
      .execute()
    if (!isThere) await catalog.server.drop(cut.placement.database)
    expect((await orphans(env))['orphans.databases']).toBe(`warn 1 database without a tenant: default/${cut.placement.database}`)
    expect((await orphans(env, '--fix', '--yes'))['orphans.databases']).toMatch(/^ok/)
    expect((await cli('tenant', 'create', `cut-${when}`)).exit).toBe(0)
  })

  it('tells of placements without a tenant, and removes nothing of them', async () => {
    const { catalog } = await openInstallation(env)
    await cli('tenant', 'create', 'unplaced')
    const { id, placementId, placement } = await getTenant(catalog, parseSlug('unplaced'))
    await catalog.kysely.deleteFrom('tenants').where('id', '=', id).execute()
    expect((await orphans(env))['orphans.placements']).toMatch(/^ok/)
    await catalog.kysely.updateTable('placements').set({ created_at: 1 }).where('id', '=', placementId).execute()
    for (const flags of [[], ['--fix', '--yes']])
      expect((await orphans(env, ...flags))['orphans.placements']).toBe(
        `warn 1 placement without a tenant: ${placement.database}`,
      )
    expect((await cli('tenant', 'create', 'unplaced')).exit).toBe(0)
    expect((await orphans(env))['orphans.placements']).toMatch(/^ok/)
  })

  it('says so when there was no time to look at all', async () => {
    const { catalog } = await openInstallation(env)
    async function* pages() {
      vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] })
      yield [999_991]
      yield [999_992]
    }
    try {
      expect(await goneAmong(catalog, pages())).toEqual({ found: [999_991], more: true })
    } finally {
      vi.useRealTimers()
    }
  })

  it.runIf(kind === 'mysql')('takes nothing of another installation whose names begin alike for its own', async () => {
    const other = { ...sharedMariadbEnv(), FEEDCTL_DATA: env.FEEDCTL_DATA ?? '' }
    const near = { ...other, FEEDCTL_DATABASE_PREFIX: `${env.FEEDCTL_DATABASE_PREFIX}n_` }
    try {
      await runCli(['init'], { env: near })
      expect((await runCli(['tenant', 'create', 'neighbour'], { env: near })).exit).toBe(0)
      expect((await orphans(env, '--fix', '--yes'))['orphans.databases']).toMatch(/^ok/)
      const { catalog } = await openInstallation(env)
      expect(await catalog.server.has(parseDatabaseName(`${near.FEEDCTL_DATABASE_PREFIX}neighbour`))).toBe(true)
    } finally {
      await dropDatabases(other)
    }
  })
})
