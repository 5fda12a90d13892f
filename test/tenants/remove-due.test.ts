import { expect, it } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withLock } from '../../src/tenants/locks.js'
import { markDeleted } from '../../src/tenants/removal.js'
import { removeDue, removeDueTenants } from '../../src/tenants/remove-due.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, removing, tenantIn } from './installation.js'

const NEVER = new AbortController().signal
const HOUR_MS = 3_600_000
const terms = (signal = NEVER) => ({ ...removing(), signal, receiptDays: 0 })

describeDatabases('the removal of deleted tenants', env => {
  const deleted = async (here: Installation, slug: string, inMs: number) => {
    await tenantIn(here, slug)
    await markDeleted(here.catalog, parseSlug(slug), Date.now() + inMs)
  }
  const isThere = ({ catalog }: Installation, slug: string) =>
    getTenant(catalog, parseSlug(slug)).then(
      () => true,
      () => false,
    )

  it('takes those whose grace is over, logs each, and leaves the others', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'due', -1)
    await deleted(here, 'due-2', -1)
    await deleted(here, 'graced', HOUR_MS)
    await tenantIn(here, 'active')
    const lines: string[] = []
    await removeDueTenants(here.catalog, new Log(line => lines.push(line), 'info'), terms())
    expect(await Promise.all(['due', 'due-2', 'graced', 'active'].map(slug => isThere(here, slug)))).toEqual([
      false,
      false,
      true,
      true,
    ])
    expect(lines.filter(line => line.includes('removed a deleted tenant')).map(line => line.match(/tenant="(.*)"/)?.[1])).toEqual(
      ['due', 'due-2'],
    )
    await removeDueTenants(here.catalog, new Log(() => {}), terms())
  })

  it('goes on after one that failed, names it, and is PARTIAL at the end', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'broken', -1)
    await deleted(here, 'whole', -1)
    const drop = here.catalog.server.drop.bind(here.catalog.server)
    const { database } = (await getTenant(here.catalog, parseSlug('broken'))).placement
    here.catalog.server.drop = async name => {
      if (name !== database) return drop(name)
      const { Failure } = await import('../../src/kernel/errors.js')
      throw new Failure('UNAVAILABLE', 'the host is away')
    }
    const lines: string[] = []
    await expect(removeDueTenants(here.catalog, new Log(line => lines.push(line)), terms())).rejects.toMatchObject({
      code: 'PARTIAL',
      message: '1 of 2 deleted tenants could not be removed',
    })
    expect(lines.join()).toMatch(/warn .*tenant="broken" code="UNAVAILABLE"/)
    expect([await isThere(here, 'broken'), await isThere(here, 'whole')]).toEqual([true, false])
    here.catalog.server.drop = drop
    const gone: string[] = []
    await removeDue(here.catalog, { ...terms(), removed: receipt => gone.push(receipt.slug) })
    expect(gone).toEqual(['broken'])
  })

  it('stops between two tenants, and does nothing while another process removes them', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'later', -1)
    const stop = AbortSignal.abort(new Error('stop'))
    await expect(removeDueTenants(here.catalog, new Log(() => {}), terms(stop))).rejects.toThrow('stop')
    await withLock(here.catalog, 'removal of deleted tenants', () => removeDueTenants(here.catalog, new Log(() => {}), terms()))
    expect(await isThere(here, 'later')).toBe(true)
  })

  it('done twice at once removes each tenant once, and neither side fails', async () => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    for (const slug of ['twice-1', 'twice-2', 'twice-3']) await deleted(here, slug, -1)
    const both = await Promise.all([removeDue(here.catalog, terms()), removeDue(there.catalog, terms())])
    expect(both.flatMap(side => side.failures)).toEqual([])
    expect(await isThere(here, 'twice-2')).toBe(false)
  })
})
