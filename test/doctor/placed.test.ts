import { beforeAll, expect, it } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { runCli } from '../support/cli.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { doctor } from './examined.js'

describeDatabases('feedctl doctor, of tenants without a placement,', env => {
  const NOWHERE = 999_999
  const standing = async () => {
    const { severity, evidence } = (await doctor(env)).of('tenants.placed') ?? {}
    return `${severity} ${evidence}`
  }
  beforeAll(async () => {
    await runCli(['init'], { env })
  })

  it('finds them, and --fix forgets those that were never opened, and tells of the others only', async () => {
    const here = await openInstallation(env)
    const { kysely } = here.catalog
    await tenantIn(here, 'kept')
    expect(await standing()).toBe('ok the catalog says of every tenant where it lives')
    for (const slug of ['begun', 'begun-now', 'lost']) await tenantIn(here, slug, 'shared')
    const claimed = { placement_id: NOWHERE, state: 'provisioning' as const, claimed_by: 'elsewhere:1:token' }
    await kysely
      .updateTable('tenants')
      .set({ ...claimed, claimed_at: 1 })
      .where('slug', '=', 'begun')
      .execute()
    expect(await standing()).toBe('warn 1 tenant without a placement, begun and never opened: begun')
    await kysely.updateTable('tenants').set({ placement_id: NOWHERE }).where('slug', '=', 'lost').execute()
    await kysely
      .updateTable('tenants')
      .set({ ...claimed, claimed_at: Date.now() })
      .where('slug', '=', 'begun-now')
      .execute()
    expect(await runCli(['tenant', 'show', 'lost'], { env })).toMatchObject({ exit: 4 })
    const lost = 'fail no command sees 2 tenants, whose placement is not in the catalog: begun-now, lost'
    expect(await standing()).toBe(`${lost}; begun and never opened: begun`)
    const { mended } = await doctor(env, '--fix', '--yes')
    expect(mended).toContain('forgot 1 tenant without a placement')
    expect(await standing()).toBe(lost)
    const left = await kysely.selectFrom('tenants').select('slug').orderBy('id').execute()
    expect(left.map(({ slug }) => slug)).toEqual(['kept', 'begun-now', 'lost'])
    expect(await getTenant(here.catalog, parseSlug('kept'))).toMatchObject({ state: 'active' })
    // Its name is free again.
    expect(await runCli(['tenant', 'create', 'begun'], { env })).toMatchObject({ exit: 0 })
  })

  it('finds those whose host is not there, and forgets none of them', async () => {
    const here = await openInstallation(env)
    const { kysely } = here.catalog
    const { placementId } = await tenantIn(here, 'hostless')
    await kysely.deleteFrom('tenants').where('placement_id', '=', NOWHERE).execute()
    await kysely.updateTable('placements').set({ host_id: NOWHERE }).where('id', '=', placementId).execute()
    await kysely.updateTable('tenants').set({ state: 'provisioning', claimed_at: 1 }).where('slug', '=', 'hostless').execute()
    const { of } = await doctor(env, '--fix', '--yes')
    expect(of('tenants.placed')?.evidence).toBe('no command sees 1 tenant, whose placement is not in the catalog: hostless')
  })
})
