import type { KyselyPlugin } from 'kysely'
import { expect, it } from 'vitest'
import { addFeeds, listFeeds } from '../../../src/feeds/subscriptions.js'
import { Log } from '../../../src/kernel/log.js'
import type { TenantSchema } from '../../../src/tenants/databases/index.js'
import { createDbUser, dbUserOf } from '../../../src/tenants/db-users.js'
import { fenceOf, fenceTenant } from '../../../src/tenants/fence.js'
import { openPlace } from '../../../src/tenants/moving/holding.js'
import { type Move, openMoves, switchPlacement } from '../../../src/tenants/moving/ledger.js'
import { finishMoves } from '../../../src/tenants/moving/requests.js'
import { spotOf } from '../../../src/tenants/moving/targets.js'
import { tendMoves } from '../../../src/tenants/moving/tend.js'
import { markDeleted, removeTenant } from '../../../src/tenants/removal.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { TENANT_SCHEMA_VERSION } from '../../../src/tenants/upgrade.js'
import { atPlace } from '../fences.js'
import { type Installation, removing, tenantIn } from '../installation.js'
import { atUpdate } from '../interleaving.js'
import { furnish } from '../transfer/furnish.js'
import { anHourLater, describeMoves, keeping, move, OTHER, standing } from './ground.js'

const SIGNAL = new AbortController().signal
const LOG = new Log(() => {})
const GAP = 'https://example.com/in-the-gap.xml'

let made = 0

async function furnished(here: Installation, kind: 'dedicated' | 'shared'): Promise<Tenant> {
  const tenant = await tenantIn(here, `held-up-${++made}`, kind)
  await furnish(here.catalog, tenant)
  return tenant
}

/** As a mover stands that has compared all rows, and is suspended right before it switches. */
async function suspendedBeforeSwitch(here: Installation, tenant: Tenant): Promise<Move> {
  const stop = new AbortController()
  const options = { ...keeping(stop.signal), onRows: () => stop.abort(new Error('killed')) }
  await expect(move(here, tenant.slug, OTHER, options)).rejects.toThrow('killed')
  const [begun] = await openMoves(here.catalog, tenant.id)
  if (begun === undefined) throw new Error('no move was begun')
  const mover = { holder: 'suspended:1:x' }
  await here.catalog.kysely.updateTable('moves').set(mover).where('id', '=', begun.id).execute()
  await fenceTenant(here.catalog, tenant, begun.id)
  return { ...begun, ...mover }
}

/** Runs the deed once, as soon as the tenant's writers may go on, before anything else is done. */
function onceWritersGoOn({ catalog }: Installation, tenant: Tenant, deed: () => Promise<void>): void {
  const { server } = catalog
  const use = server.use.bind(server)
  server.use = (async (...call: Parameters<typeof use>) => {
    const result = await use(...call)
    const fence = await use<TenantSchema, { fenced_by: number | null } | undefined>(tenant.placement.database, ({ kysely }) =>
      kysely.selectFrom('residents').select('fenced_by').where('tenant_id', '=', tenant.id).executeTakeFirst(),
    )
    if (fence?.fenced_by !== null) return result
    server.use = use
    await deed()
    return result
  }) as typeof use
}

describeMoves('a mover that was held up', (open, kind) => {
  it.for([
    'shared',
    'dedicated',
  ] as const)('does not switch while the schedule lets the writers go on: nothing they wrote is lost (%s)', async from => {
    const here = await open()
    const { catalog } = here
    const tenant = await furnished(here, from)
    const begun = await suspendedBeforeSwitch(here, tenant)
    const to = await spotOf(catalog, begun.to_placement_id)
    const ends: unknown[] = []
    onceWritersGoOn(here, tenant, async () => {
      await addFeeds(catalog, tenant, [{ url: GAP, title: null }])
      await atPlace(catalog, { ...tenant, placement: to }, place => openPlace(place, begun.id))
      ends.push(await switchPlacement(catalog, begun, Date.now()).catch(error => error))
    })
    await tendMoves(catalog, LOG, SIGNAL)
    expect(ends).toMatchObject([{ code: 'LOCKED' }])
    const now = await standing(here, tenant)
    expect(now.placement).toEqual(tenant.placement)
    expect((await listFeeds(catalog, now)).map(({ url }) => url)).toContain(GAP)
    await addFeeds(catalog, now, [{ url: 'https://example.com/goes-on.xml', title: null }])
    expect(await move(here, tenant.slug, OTHER)).toMatchObject({ outcome: 'moved' })
    expect((await listFeeds(catalog, await standing(here, tenant))).map(({ url }) => url)).toContain(GAP)
  })

  it('keeps what it has switched, when the schedule comes to it right after', async () => {
    const here = await open()
    const { catalog } = here
    const tenant = await furnished(here, 'shared')
    const begun = await suspendedBeforeSwitch(here, tenant)
    let switched = false
    const kysely = atUpdate(catalog.kysely, 'moves', 'before', async () => {
      await switchPlacement(catalog, begun, Date.now() + 60_000)
      switched = true
    })
    await tendMoves({ ...catalog, kysely }, LOG, SIGNAL)
    expect(switched).toBe(true)
    const now = await standing(here, tenant)
    expect(now.placement.host).toBe(OTHER)
    expect(await openMoves(catalog, tenant.id)).toMatchObject([{ state: 'switched' }])
    // Nor does it let anyone write the old copy again.
    expect(await fenceOf(catalog, tenant)).toBe(begun.id)
  })

  it('drops nothing of the next tenant of that name, when it was removing an old copy', async () => {
    const here = await open()
    const { catalog } = here
    const tenant = await furnished(here, 'dedicated')
    await move(here, tenant.slug, OTHER)
    await anHourLater(here, tenant)
    const kysely = atUpdate(catalog.kysely, 'placements', 'before', async () => {
      // Not heard of for long.
      await catalog.kysely.deleteFrom('locks').where('name', '=', `move of tenant ${tenant.slug}`).execute()
      await markDeleted(catalog, tenant.slug, 0)
      await removeTenant(catalog, tenant.slug, removing())
      const next = await tenantIn(here, tenant.slug)
      if (kind === 'mysql') await createDbUser(catalog, next)
    })
    await expect(finishMoves({ ...catalog, kysely }, tenant.slug, SIGNAL)).rejects.toMatchObject({ code: 'LOCKED' })
    const next = await standing(here, tenant)
    expect([next.placementId, next.schemaVersion]).toEqual([tenant.placementId, TENANT_SCHEMA_VERSION])
    expect(await listFeeds(catalog, next)).toEqual([])
    if (kind === 'mysql') expect(await dbUserOf(catalog, next.placement)).not.toBeNull()
  })

  it('does not switch once it was told to stop, and the tenant is written where it was', async () => {
    const here = await open()
    const { catalog } = here
    const tenant = await furnished(here, 'shared')
    const stop = new AbortController()
    const target = await catalog.hosts.serverOf(OTHER)
    const use = target.use.bind(target)
    // Its target is opened: the last that it does before it switches.
    const stopping: KyselyPlugin = {
      transformQuery: ({ node }) => {
        if (node.kind === 'UpdateQueryNode') stop.abort(new Error('told to stop'))
        return node
      },
      transformResult: async ({ result }) => result,
    }
    target.use = ((name, deed) =>
      use(name, database => deed({ ...database, kysely: database.kysely.withPlugin(stopping) } as never))) as typeof target.use
    await expect(move(here, tenant.slug, OTHER, keeping(stop.signal))).rejects.toThrow('told to stop')
    target.use = use
    expect((await standing(here, tenant)).placement).toEqual(tenant.placement)
    await addFeeds(catalog, tenant, [{ url: GAP, title: null }])
    expect(await move(here, tenant.slug, OTHER)).toMatchObject({ outcome: 'moved' })
    expect((await listFeeds(catalog, await standing(here, tenant))).map(({ url }) => url)).toContain(GAP)
  })
})
