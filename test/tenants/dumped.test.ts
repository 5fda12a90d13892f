import { expect, it } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { holdWriters } from '../../src/tenants/removal/dump-fence.js'
import { dumpOf } from '../../src/tenants/removal/receipts.js'
import { type DumpTerms, markDeleted, markDumped, removeTenant, resumeTenant } from '../../src/tenants/removal.js'
import { removeDue } from '../../src/tenants/remove-due.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, removing, tenantIn } from './installation.js'

const NEVER = new AbortController().signal
const DUMP = { file: '/dumps/a', bytes: 1, sha256: 'ab' }

describeDatabases('a tenant that is dumped before it is removed', env => {
  const terms = (dump: DumpTerms['dump'], deleteAfterAt = Date.now() - 1): DumpTerms => ({
    deleteAfterAt,
    dump,
    events: async () => {},
    signal: NEVER,
  })
  const write = ({ catalog }: Installation, tenant: Tenant) =>
    withTenant(catalog, tenant, tables => tables.transaction(tx => tx.takeIds('posts', 1)))
  const removed = async ({ catalog }: Installation) => (await removeDue(catalog, { ...removing(), signal: NEVER })).removed

  it.each([
    'dedicated',
    'shared',
  ] as const)('is written by nobody from the dump on, until it is resumed (%s)', async placement => {
    const here = await openInstallation(env)
    const { catalog } = here
    const tenant = await tenantIn(here, `fenced-${placement}`, placement)
    const told: string[] = []
    const events = async () => void told.push('events')
    const dump = async () => {
      told.push('dump')
      await expect(write(here, tenant)).rejects.toMatchObject({ code: 'TENANT_MOVING' })
      return DUMP
    }
    await markDumped(catalog, tenant.slug, { ...terms(dump, Date.now() + 1e9), events })
    expect(told).toEqual(['events', 'dump'])
    await expect(write(here, tenant)).rejects.toMatchObject({ code: 'TENANT_MOVING' })
    await resumeTenant(catalog, tenant.slug)
    await write(here, tenant)
    await markDumped(
      catalog,
      tenant.slug,
      terms(async () => DUMP),
    )
    expect(await removed(here)).toBe(1)
  })

  it('is due only with its dump: neither the removal of due ones overtakes it, nor comes it where the process was killed', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const tenant = await tenantIn(here, 'overtaken')
    const dump = async () => {
      expect([await removed(here), (await getTenant(catalog, tenant.slug)).deleteAfterAt]).toEqual([0, null])
      return DUMP
    }
    await markDumped(catalog, tenant.slug, terms(dump))
    expect(await dumpOf(catalog, await getTenant(catalog, tenant.slug))).toEqual(DUMP)
    expect(await removed(here)).toBe(1)
    const killed = await tenantIn(here, 'killed')
    await catalog.kysely.updateTable('tenants').set({ state: 'deleting' }).where('id', '=', killed.id).execute()
    await holdWriters(catalog, killed)
    expect(await removed(here)).toBe(0)
    await expect(removeTenant(catalog, killed.slug, removing())).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
    await resumeTenant(catalog, killed.slug)
    await write(here, killed)
  })

  it('is what it was where the dump fails, and writable', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const tenant = await tenantIn(here, 'failing')
    const fails = terms(() => Promise.reject(new Failure('DISK_FULL', 'no room')))
    await expect(markDumped(catalog, tenant.slug, fails)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await getTenant(catalog, tenant.slug)).toMatchObject({ state: 'active', deleteAfterAt: null })
    await write(here, tenant)
    const due = await markDeleted(catalog, tenant.slug, Date.now() + 1e9)
    await expect(markDumped(catalog, tenant.slug, fails)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await getTenant(catalog, tenant.slug)).toMatchObject({ state: 'deleting', deleteAfterAt: due.deleteAfterAt })
  })

  it('that is resumed, or deleted by another, meanwhile stays so, and is not due with a dump', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const tenant = await tenantIn(here, 'contested')
    const resumed = terms(async () => {
      await resumeTenant(catalog, tenant.slug)
      return DUMP
    })
    await expect(markDumped(catalog, tenant.slug, resumed)).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
    expect(await getTenant(catalog, tenant.slug)).toMatchObject({ state: 'active' })
    const until = Date.now() + 1e9
    const anew = terms(async () => {
      await markDeleted(catalog, tenant.slug, until)
      return DUMP
    })
    await expect(markDumped(catalog, tenant.slug, anew)).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
    expect(await getTenant(catalog, tenant.slug)).toMatchObject({ state: 'deleting', deleteAfterAt: until })
    expect(await dumpOf(catalog, await getTenant(catalog, tenant.slug))).toBeNull()
  })
})
