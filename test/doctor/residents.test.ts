import { beforeAll, describe, expect, it } from 'vitest'
import { judgeShutOut } from '../../src/doctor/checks/residents.js'
import { LETTING_IN_BELOW } from '../../src/tenants/admission.js'
import { insertRows, type TenantSchema } from '../../src/tenants/databases/index.js'
import { fenceOf } from '../../src/tenants/fence.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withMoveLock } from '../../src/tenants/moving/lock.js'
import { letBackIn, shutOut } from '../../src/tenants/moving/shut-out.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { runCli } from '../support/cli.js'
import { fence } from '../tenants/fences.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../tenants/installation.js'
import { doctor } from './examined.js'

const SIGNAL = new AbortController().signal

describeDatabases('feedctl doctor, of tenants that are refused where they live,', env => {
  /** As a restored backup, or somebody's hand, leaves it; `by` undefined: no row. */
  const setResident = ({ catalog }: Installation, { id, placement }: Tenant, by?: number) =>
    catalog.server.use<TenantSchema, void>(placement.database, async database => {
      await database.kysely.deleteFrom('residents').where('tenant_id', '=', id).execute()
      if (by !== undefined) await insertRows(database, 'residents', [{ tenant_id: id as number, fenced_by: by }])
    })
  const write = ({ catalog }: Installation, tenant: Tenant) =>
    withTenant(catalog, tenant, tables => tables.transaction(tx => tx.takeIds('posts', 1)))
  const found = async ({ catalog }: Installation) => (await shutOut(catalog, 60_000)).found.map(({ slug }) => slug as string)
  beforeAll(async () => {
    await runCli(['init'], { env })
  })

  it('finds them, and --fix lets them write again, and nobody else', async () => {
    const here = await openInstallation(env)
    expect((await doctor(env)).of('tenants.residents')).toMatchObject({ severity: 'ok' })
    const [restored, alone] = [await tenantIn(here, 'restored', 'shared'), await tenantIn(here, 'alone')]
    const [left, moving] = [await tenantIn(here, 'left', 'shared'), await tenantIn(here, 'moving', 'shared')]
    for (const tenant of [restored, alone]) await setResident(here, tenant)
    for (const [tenant, by] of [[left, LETTING_IN_BELOW - 9] as const, [await tenantIn(here, 'fenced'), 4_711] as const])
      await setResident(here, tenant, by)
    await fence(here.catalog, moving, 77)
    await expect(write(here, restored)).rejects.toMatchObject({ code: 'TENANT_MOVED' })
    expect(await found(here)).toEqual(['restored', 'left', 'alone', 'fenced'])
    expect((await doctor(env)).of('tenants.residents')).toMatchObject({
      severity: 'fail',
      evidence: expect.stringMatching(/^writes of 4 tenants are refused .*: restored, left, alone and 1 more$/),
      fix: 'feedctl doctor --fix',
    })
    const { mended, of } = await doctor(env, '--fix', '--yes')
    expect(mended).toContain('let 4 tenants write again')
    expect(of('tenants.residents')).toMatchObject({ severity: 'ok', evidence: 'every tenant is let in where it lives' })
    for (const slug of ['restored', 'alone', 'left', 'fenced']) await write(here, await getTenant(here.catalog, parseSlug(slug)))
    expect(await fenceOf(here.catalog, moving)).toBe(77)
  })

  it('lets in nobody with an open move, nobody who is moved right now, and nobody where it does not live any more', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'kept', 'shared')
    await fence(here.catalog, tenant, 78)
    const { kysely } = here.catalog
    await kysely.updateTable('moves').set({ state: 'undoing' }).where('id', '=', 78).execute()
    await kysely.updateTable('tenants').set({ move_id: null }).where('id', '=', tenant.id).execute()
    await setResident(here, tenant)
    expect(await found(here)).toEqual(['kept'])
    expect((await doctor(env, '--fix', '--yes')).of('tenants.residents')).toMatchObject({
      severity: 'fail',
      evidence: expect.stringContaining('with a move that is not finished: kept'),
      fix: expect.stringContaining('--finish'),
    })
    expect([await letBackIn(here.catalog, tenant, SIGNAL), await fenceOf(here.catalog, tenant)]).toEqual([false, undefined])
    await kysely.updateTable('moves').set({ state: 'finished', ended_at: 1 }).where('id', '=', 78).execute()
    await withMoveLock(here.catalog, tenant.slug, SIGNAL, async () => {
      await expect(letBackIn(here.catalog, tenant, SIGNAL)).rejects.toMatchObject({ code: 'LOCKED' })
    })
    const elsewhere = await tenantIn(here, 'elsewhere')
    const move = (placementId: number) =>
      kysely.updateTable('tenants').set({ placement_id: placementId }).where('id', '=', tenant.id).execute()
    await move(elsewhere.placementId)
    await letBackIn(here.catalog, tenant, SIGNAL)
    expect(await fenceOf(here.catalog, tenant)).toBeUndefined()
    await move(tenant.placementId)
    expect([await letBackIn(here.catalog, tenant, SIGNAL), await letBackIn(here.catalog, tenant, SIGNAL)]).toEqual([true, false])
    await write(here, tenant)
  })

  it('finds a stale fence, or a missing row, also where an old copy is kept: writers were let in before the switch', async () => {
    const here = await openInstallation(env)
    for (const [number, slug] of [[81, 'stale'] as const, [82, 'rowless'] as const]) {
      const tenant = await tenantIn(here, slug, 'shared')
      await fence(here.catalog, tenant, number)
      await here.catalog.kysely.updateTable('moves').set({ state: 'switched' }).where('id', '=', number).execute()
      await here.catalog.kysely.updateTable('tenants').set({ move_id: null }).where('id', '=', tenant.id).execute()
      await setResident(here, tenant, ...(slug === 'stale' ? [4_712] : []))
    }
    expect(await found(here)).toEqual(['stale', 'rowless'])
    expect((await doctor(env, '--fix', '--yes')).of('tenants.residents')).toMatchObject({ severity: 'ok' })
    for (const slug of ['stale', 'rowless']) await write(here, await getTenant(here.catalog, parseSlug(slug)))
  })
})

describe('what the doctor says of tenants that are refused', () => {
  it('names what could not be looked at', () => {
    expect(judgeShutOut({ found: [], more: true, away: ['db2', 'db1/tenant_a'] })).toMatchObject({
      severity: 'warn',
      evidence:
        'every tenant that was looked at is let in where it lives; there was no time to look at all; not looked at: db2, db1/tenant_a',
    })
  })
})
