import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { addFeeds, listFeeds } from '../../../src/feeds/subscriptions.js'
import { Failure } from '../../../src/kernel/errors.js'
import { Log } from '../../../src/kernel/log.js'
import { applyMigrations, TENANT_MIGRATIONS, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { beginMove, openMoves } from '../../../src/tenants/moving/ledger.js'
import { forTenants } from '../../../src/tenants/moving/move-many.js'
import { finishMoves, undoMove } from '../../../src/tenants/moving/requests.js'
import { tendMoves } from '../../../src/tenants/moving/tend.js'
import { markDeleted, removeTenant } from '../../../src/tenants/removal.js'
import { changeState, type Tenant } from '../../../src/tenants/tenant.js'
import { type Installation, removing, tenantIn } from '../installation.js'
import { atUpdate } from '../interleaving.js'
import { serverWith } from '../servers.js'
import { furnish } from '../transfer/furnish.js'
import { aliasOf, anHourLater, describeMoves, move, OTHER, rowsIn, standing } from './ground.js'

const SIGNAL = new AbortController().signal
const LOG = new Log(() => {})

let made = 0

async function furnished(here: Installation, kind: 'dedicated' | 'shared'): Promise<Tenant> {
  const tenant = await tenantIn(here, `bad-day-${++made}`, kind)
  await furnish(here.catalog, tenant)
  return tenant
}

/** As the feedctl before this schema left the shared database: its tables, and no residents. */
async function asBefore(here: Installation, tenant: Tenant): Promise<void> {
  const server = await here.catalog.hosts.serverOf(tenant.placement.host)
  await server.use<TenantSchema, void>(tenant.placement.database, async database => {
    await sql`drop table ${sql.raw(database.qualify('residents'))}`.execute(database.kysely)
    await sql`delete from ${sql.raw(database.qualify('feedctl_migrations'))} where version >= 5`.execute(database.kysely)
    await applyMigrations(
      database,
      TENANT_MIGRATIONS.filter(({ version }) => version < 5),
      here.catalog.id,
      1,
    )
  })
  const { kysely } = here.catalog
  await kysely.updateTable('placements').set({ schema_version: 4 }).where('id', '=', tenant.placementId).execute()
}

describeMoves('a move on a bad day', open => {
  it('into a shared database of an earlier version keeps those who live there writing', async () => {
    const here = await open()
    const first = await furnished(here, 'shared')
    await move(here, first.slug, OTHER)
    const neighbour = await standing(here, first)
    await asBefore(here, neighbour)
    const tenant = await furnished(here, 'shared')
    Object.assign(here.catalog, { upgradesAtFirstUse: false })
    await expect(move(here, tenant.slug, OTHER)).rejects.toMatchObject({ code: 'SCHEMA_BEHIND' })
    Object.assign(here.catalog, { upgradesAtFirstUse: true })
    expect(await move(here, tenant.slug, OTHER)).toMatchObject({ outcome: 'moved' })
    for (const each of [neighbour, tenant])
      await addFeeds(here.catalog, await standing(here, each), [{ url: 'https://example.com/still.xml', title: null }])
  })

  it.for(['dedicated', 'shared'] as const)('to the same server under another name loses nothing of a %s tenant', async kind => {
    const here = await open()
    const again = await aliasOf(here, OTHER)
    const tenant = await furnished(here, kind)
    await move(here, tenant.slug, OTHER)
    const home = await standing(here, tenant)
    const rows = await rowsIn(here.catalog, tenant.id, home.placement)
    await expect(move(here, tenant.slug, again)).rejects.toMatchObject({ code: 'MOVE_REFUSED' })
    expect(await rowsIn(here.catalog, tenant.id, home.placement)).toEqual(rows)
    expect(await standing(here, tenant)).toEqual(home)
    await addFeeds(here.catalog, home, [{ url: 'https://example.com/writes-on.xml', title: null }])
    expect((await openMoves(here.catalog, tenant.id)).map(({ state }) => state)).toEqual(['switched'])
  })

  it.for([
    { version: 0 },
    { version: null },
  ])('into a left-over database of its own removes what a tenant that is gone has left there ($version)', async ({ version }) => {
    const here = await open()
    const { kysely } = here.catalog
    const gone = await furnished(here, 'dedicated')
    await move(here, gone.slug, OTHER)
    const left = await standing(here, gone)
    // As a removal leaves it that could not drop the database.
    for (const [table, id] of [
      ['tenants', 'id'],
      ['moves', 'tenant_id'],
    ] as const)
      await kysely
        .deleteFrom(table)
        .where(id as never, '=', gone.id as never)
        .execute()
    if (version !== null)
      await kysely.updateTable('placements').set({ schema_version: version }).where('id', '=', left.placementId).execute()
    const tenant = await tenantIn(here, gone.slug)
    expect(await rowsIn(here.catalog, gone.id, left.placement)).not.toEqual({})
    await move(here, tenant.slug, OTHER)
    expect((await standing(here, tenant)).placementId).toBe(left.placementId)
    expect(await rowsIn(here.catalog, gone.id, left.placement)).toEqual({})
  })

  it('takes itself back when the tenant is deleted while its rows are copied, and keeps it from being removed until then', async () => {
    const here = await open()
    const { catalog } = here
    const tenant = await furnished(here, 'shared')
    const removals: unknown[] = []
    const remove = () => removeTenant(catalog, tenant.slug, removing())
    // All is copied, and the fence is not up yet.
    const kysely = atUpdate(catalog.kysely, 'tenants', 'before', async () => {
      await markDeleted(catalog, tenant.slug, 0)
      removals.push(await remove().catch(error => error))
    })
    const moving = move({ ...here, catalog: { ...catalog, kysely } }, tenant.slug, OTHER)
    await expect(moving).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
    expect(removals).toMatchObject([{ code: 'LOCKED', message: expect.stringContaining(`pid ${process.pid} on`) }])
    expect(await openMoves(catalog, tenant.id)).toEqual([])
    expect(await remove()).toMatchObject({ slug: tenant.slug, feeds: 2 })
    expect(await rowsIn(catalog, tenant.id, tenant.placement)).toEqual({})
  })

  it('is not begun for a tenant that is being removed, whoever looked at it before', async () => {
    const here = await open()
    const tenant = await furnished(here, 'shared')
    await changeState(here.catalog, tenant.slug, ['active'], 'deleting', Date.now() + 60_000)
    const wish = { tenantId: tenant.id, from: tenant.placementId, to: tenant.placementId, before: null, holder: 'late' }
    await expect(beginMove(here.catalog, wish)).rejects.toMatchObject({ code: 'MOVE_REFUSED' })
    expect(await openMoves(here.catalog, tenant.id)).toEqual([])
  })

  it('leaves no fence for which nobody cares: one of a move that has ended is lifted', async () => {
    const here = await open()
    const tenant = await furnished(here, 'shared')
    await here.catalog.kysely.updateTable('tenants').set({ move_id: 987_654 }).where('id', '=', tenant.id).execute()
    await tendMoves(here.catalog, LOG, SIGNAL)
    const row = here.catalog.kysely.selectFrom('tenants').select('move_id').where('id', '=', tenant.id)
    expect(await row.executeTakeFirst()).toEqual({ move_id: null })
  })

  it('ends where the old database is gone already, and its placement counts as vacated', async () => {
    const here = await open()
    const tenant = await furnished(here, 'dedicated')
    await move(here, tenant.slug, OTHER)
    await anHourLater(here, tenant)
    await (await here.catalog.hosts.serverOf('default')).drop(tenant.placement.database)
    expect(await finishMoves(here.catalog, tenant.slug, SIGNAL)).toMatchObject({ outcome: 'finished' })
    const left = here.catalog.kysely.selectFrom('placements').select(['schema_version', 'vacated_at'])
    expect(await left.where('id', '=', tenant.placementId).executeTakeFirst()).toEqual({
      schema_version: 0,
      vacated_at: expect.any(Number),
    })
    expect(await listFeeds(here.catalog, await standing(here, tenant))).not.toEqual([])
  })

  it.for([
    { copy: 'old', goes: true },
    { copy: 'half', goes: true },
    { copy: 'old', goes: false },
  ])('ends what it was killed in: the $copy copy, dropped by half, goes unless it is another installation’s by now ($goes)', async ({
    copy,
    goes,
  }) => {
    const here = await open()
    const { catalog } = here
    const tenant = await furnished(here, 'dedicated')
    await move(here, tenant.slug, OTHER)
    await anHourLater(here, tenant)
    if (copy === 'half') {
      const [begun] = await openMoves(catalog, tenant.id)
      const swapped = { from_placement_id: begun?.to_placement_id ?? 0, to_placement_id: begun?.from_placement_id ?? 0 }
      await catalog.kysely
        .updateTable('moves')
        .set({ ...swapped, state: 'copying', switched_at: null })
        .where('id', '=', begun?.id ?? 0)
        .execute()
    }
    const end = (at = catalog) => (copy === 'old' ? finishMoves(at, tenant.slug, SIGNAL) : undoMove(at, tenant.slug, SIGNAL))
    const { database } = tenant.placement
    const server = await catalog.hosts.serverOf('default')
    const killed = serverWith(server, {
      drop: async name => {
        await server.use<TenantSchema, unknown>(name, async open => {
          const ledger = sql.raw(open.qualify('feedctl_migrations'))
          if (!goes) await sql`update ${ledger} set catalog_id = 'another'`.execute(open.kysely)
          else
            for (const table of ['feedctl_migrations', 'residents'] as const)
              await sql.raw(`drop table ${open.qualify(table)}`).execute(open.kysely)
        })
        throw new Failure('UNAVAILABLE', 'the host went down')
      },
    })
    const serverOf = async (name: string) => (name === 'default' ? killed : catalog.hosts.serverOf(name))
    const cut = { ...catalog, hosts: Object.assign(Object.create(catalog.hosts), { serverOf }) }
    await expect(end(cut)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await end()
    expect(await server.has(database)).toBe(!goes)
    expect(await openMoves(catalog, tenant.id)).toEqual([])
    expect(await listFeeds(catalog, await standing(here, tenant))).not.toEqual([])
  })

  it('whose placement is forgotten is ended all the same, and keeps no other from being looked after', async () => {
    const here = await open()
    const [lost, due] = [await furnished(here, 'dedicated'), await furnished(here, 'shared')]
    for (const tenant of [lost, due]) {
      await move(here, tenant.slug, OTHER)
      await anHourLater(here, tenant)
      await here.catalog.kysely.updateTable('moves').set({ keep_until: 1 }).where('tenant_id', '=', tenant.id).execute()
    }
    await here.catalog.kysely.deleteFrom('placements').where('id', '=', lost.placementId).execute()
    await tendMoves(here.catalog, LOG, SIGNAL)
    for (const { id } of [lost, due]) expect(await openMoves(here.catalog, id)).toEqual([])
  })

  it('of many, when one shows a bug, lets the others end before it is thrown', async () => {
    const slugs = ['a', 'b', 'c', 'd'] as unknown as Tenant['slug'][]
    const ended: string[] = []
    const all = forTenants(slugs, { concurrency: 2, signal: SIGNAL }, async slug => {
      if (slug === 'a') throw new TypeError('a bug')
      await Promise.resolve().then(() => Promise.resolve())
      ended.push(slug)
      return { outcome: 'moved' }
    })
    await expect(all).rejects.toThrow('a bug')
    expect(ended).toEqual(['b'])
  })
})
