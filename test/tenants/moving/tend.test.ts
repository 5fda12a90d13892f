import { expect, it } from 'vitest'
import { addFeeds } from '../../../src/feeds/subscriptions.js'
import { Log } from '../../../src/kernel/log.js'
import { fenceTenant } from '../../../src/tenants/fence.js'
import { openMoves } from '../../../src/tenants/moving/ledger.js'
import { removeOldCopies } from '../../../src/tenants/moving/requests.js'
import { tendMoves } from '../../../src/tenants/moving/tend.js'
import { markDeleted, removeTenant } from '../../../src/tenants/removal.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import type { Installation } from '../installation.js'
import { removing, tenantIn } from '../installation.js'
import { furnish } from '../transfer/furnish.js'
import { anHourLater, describeMoves, keeping, move, rowsIn, standing } from './ground.js'

const SIGNAL = new AbortController().signal
const LOG = new Log(() => {})

let made = 0

async function furnished(here: Installation, kind: 'dedicated' | 'shared'): Promise<Tenant> {
  const tenant = await tenantIn(here, `tended-${++made}`, kind)
  await furnish(here.catalog, tenant)
  return tenant
}

/** As a mover leaves it that is killed while it holds the tenant's writers off. */
async function killedWhileFenced(here: Installation, tenant: Tenant): Promise<void> {
  const stop = new AbortController()
  const options = { ...keeping(stop.signal), onRows: () => stop.abort(new Error('killed')) }
  await expect(move(here, tenant.slug, 'other', options)).rejects.toThrow('killed')
  const [begun] = await openMoves(here.catalog, tenant.id)
  await fenceTenant(here.catalog, tenant, begun?.id ?? 0)
  const feed = addFeeds(here.catalog, tenant, [{ url: 'https://example.com/held.xml', title: null }])
  await expect(feed).rejects.toMatchObject({ code: 'TENANT_MOVING' })
}

describeMoves('the care of moves', open => {
  it('lets the writers of a tenant go on whose mover was killed, and its move can go on', async () => {
    const here = await open()
    const tenant = await furnished(here, 'shared')
    await killedWhileFenced(here, tenant)
    await tendMoves(here.catalog, LOG, SIGNAL)
    await addFeeds(here.catalog, tenant, [{ url: 'https://example.com/goes-on.xml', title: null }])
    const rows = await rowsIn(here.catalog, tenant.id, tenant.placement)
    expect(await openMoves(here.catalog, tenant.id)).toMatchObject([{ state: 'copying' }])
    expect(await move(here, tenant.slug, 'other')).toMatchObject({ outcome: 'moved' })
    expect(await rowsIn(here.catalog, tenant.id, (await standing(here, tenant)).placement)).toEqual(rows)
  })

  it('takes a move back that nobody went on with for a day', async () => {
    const here = await open()
    const tenant = await furnished(here, 'dedicated')
    await killedWhileFenced(here, tenant)
    const long = { updated_at: Date.now() - 2 * 86_400_000 }
    await here.catalog.kysely.updateTable('moves').set(long).where('tenant_id', '=', tenant.id).execute()
    await tendMoves(here.catalog, LOG, SIGNAL)
    expect(await openMoves(here.catalog, tenant.id)).toEqual([])
    const half = { ...tenant.placement, host: 'other' }
    expect(await rowsIn(here.catalog, tenant.id, half)).toEqual({})
    expect(await (await here.catalog.hosts.serverOf('other')).has(half.database)).toBe(false)
  })

  it('removes old copies when their time is over, and not before', async () => {
    const here = await open()
    const [soon, late] = [await furnished(here, 'shared'), await furnished(here, 'dedicated')]
    await move(here, late.slug, 'other')
    await move(here, soon.slug, 'other', { ...keeping(), keepMs: 0 })
    await anHourLater(here, soon)
    await tendMoves(here.catalog, LOG, SIGNAL)
    expect(await rowsIn(here.catalog, soon.id, soon.placement)).toEqual({})
    expect(await openMoves(here.catalog, soon.id)).toEqual([])
    expect(await rowsIn(here.catalog, late.id, late.placement)).not.toEqual({})
    expect(await openMoves(here.catalog, late.id)).toMatchObject([{ state: 'switched' }])
  })

  it('goes on with the others where the old copy of one is where it lives, and keeps that', async () => {
    const here = await open()
    const [broken, other] = [await furnished(here, 'dedicated'), await furnished(here, 'dedicated')]
    for (const tenant of [broken, other]) {
      await move(here, tenant.slug, 'other', { ...keeping(), keepMs: 0 })
      await anHourLater(here, tenant)
    }
    const rows = await rowsIn(here.catalog, broken.id, broken.placement)
    const home = { placement_id: broken.placementId as number }
    await here.catalog.kysely.updateTable('tenants').set(home).where('id', '=', broken.id).execute()
    await expect(tendMoves(here.catalog, LOG, SIGNAL)).rejects.toMatchObject({ code: 'PARTIAL' })
    expect(await rowsIn(here.catalog, other.id, other.placement)).toEqual({})
    expect(await rowsIn(here.catalog, broken.id, broken.placement)).toEqual(rows)
    await here.catalog.kysely.deleteFrom('moves').where('tenant_id', '=', broken.id).execute()
  })

  it('ends what was killed while a copy was removed', async () => {
    const here = await open()
    const [undone, finished] = [await furnished(here, 'shared'), await furnished(here, 'shared')]
    await killedWhileFenced(here, undone)
    await move(here, finished.slug, 'other')
    await anHourLater(here, finished)
    const stand = (tenant: Tenant, state: 'undoing' | 'finishing') =>
      here.catalog.kysely.updateTable('moves').set({ state }).where('tenant_id', '=', tenant.id).execute()
    await stand(undone, 'undoing')
    await stand(finished, 'finishing')
    await tendMoves(here.catalog, LOG, SIGNAL)
    await addFeeds(here.catalog, undone, [{ url: 'https://example.com/again.xml', title: null }])
    expect(await rowsIn(here.catalog, undone.id, (await standing(here, finished)).placement)).toEqual({})
    expect(await rowsIn(here.catalog, finished.id, finished.placement)).toEqual({})
    for (const { id } of [undone, finished]) expect(await openMoves(here.catalog, id)).toEqual([])
  })

  it('removes all copies of a tenant that is removed, and nothing where it lives', async () => {
    const here = await open()
    const tenant = await furnished(here, 'shared')
    await move(here, tenant.slug, 'dedicated')
    await move(here, tenant.slug, 'other')
    const home = (await standing(here, tenant)).placement
    const rows = await rowsIn(here.catalog, tenant.id, home)
    expect(await removeOldCopies(here.catalog, tenant, SIGNAL)).toHaveLength(2)
    expect(await rowsIn(here.catalog, tenant.id, tenant.placement)).toEqual({})
    expect(await rowsIn(here.catalog, tenant.id, home)).toEqual(rows)
    expect(await openMoves(here.catalog, tenant.id)).toEqual([])
  })

  it('has its copies removed with a tenant that is deleted, and the receipt counts them', async () => {
    const here = await open()
    const tenant = await furnished(here, 'dedicated')
    await move(here, tenant.slug, 'other')
    await markDeleted(here.catalog, tenant.slug, Date.now(), ['active'])
    const receipt = await removeTenant(here.catalog, tenant.slug, removing())
    expect(receipt.oldCopies).toBe(1)
    for (const host of ['default', 'other'])
      expect(await (await here.catalog.hosts.serverOf(host)).has(tenant.placement.database)).toBe(false)
  })

  it('has its half copy removed with a tenant that is deleted, when its mover was killed', async () => {
    const here = await open()
    const tenant = await furnished(here, 'dedicated')
    const stop = new AbortController()
    const options = { ...keeping(stop.signal), onRows: () => stop.abort(new Error('killed')) }
    await expect(move(here, tenant.slug, 'other', options)).rejects.toThrow('killed')
    await markDeleted(here.catalog, tenant.slug, Date.now())
    expect(await removeTenant(here.catalog, tenant.slug, removing())).toMatchObject({ oldCopies: 1 })
    for (const host of ['default', 'other'])
      expect(await (await here.catalog.hosts.serverOf(host)).has(tenant.placement.database)).toBe(false)
  })
})
