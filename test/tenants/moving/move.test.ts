import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { addFeeds } from '../../../src/feeds/subscriptions.js'
import type { TenantSchema } from '../../../src/tenants/databases/index.js'
import { openMoves } from '../../../src/tenants/moving/ledger.js'
import { listMoves } from '../../../src/tenants/moving/listing.js'
import { moveBack } from '../../../src/tenants/moving/move.js'
import { planMove } from '../../../src/tenants/moving/plan.js'
import { finishMoves, undoMove } from '../../../src/tenants/moving/requests.js'
import { parseWish } from '../../../src/tenants/moving/targets.js'
import { withTenant } from '../../../src/tenants/tables.js'
import { changeState, type Tenant } from '../../../src/tenants/tenant.js'
import type { Installation } from '../installation.js'
import { tenantIn } from '../installation.js'
import { furnish } from '../transfer/furnish.js'
import { anHourLater, describeMoves, keeping, move, rowsIn, standing } from './ground.js'

const SIGNAL = new AbortController().signal
const WAYS = [
  { from: 'dedicated', to: 'shared', lives: ['default', 'shared'] },
  { from: 'shared', to: 'dedicated', lives: ['default', 'dedicated'] },
  { from: 'dedicated', to: 'other', lives: ['other', 'dedicated'] },
  { from: 'shared', to: 'other', lives: ['other', 'shared'] },
  { from: 'shared', to: 'other/dedicated', lives: ['other', 'dedicated'] },
] as const

let made = 0

async function furnished(here: Installation, kind: 'dedicated' | 'shared'): Promise<Tenant> {
  const tenant = await tenantIn(here, `mover-${++made}`, kind)
  await furnish(here.catalog, tenant)
  return tenant
}

async function nextIds({ catalog }: Installation, tenant: Tenant) {
  return withTenant(catalog, tenant, tables => tables.counters().select(['name', 'next']).orderBy('name').execute())
}

describeMoves('a move', (open, kind) => {
  it.for(WAYS)('carries every row from $from to $to as it is, and the ids go on', async ({ from, to, lives }) => {
    const here = await open()
    const tenant = await furnished(here, from)
    const before = await rowsIn(here.catalog, tenant.id, tenant.placement)
    const ids = await nextIds(here, tenant)
    const moved = await move(here, tenant.slug, to)
    const now = await standing(here, tenant)
    expect([now.placement.host, now.placement.kind]).toEqual(lives)
    expect(await rowsIn(here.catalog, tenant.id, now.placement)).toEqual(before)
    expect(Object.keys(before)).toHaveLength(11)
    expect(moved).toMatchObject({ outcome: 'moved', rows: Object.values(before).flat().length })
    expect(await nextIds(here, now)).toEqual(ids)
    await addFeeds(here.catalog, now, [{ url: 'https://example.com/after.xml', title: null }])
    expect(await rowsIn(here.catalog, tenant.id, tenant.placement)).toEqual(before)
  })

  it('leaves the neighbours in both shared databases as they are', async () => {
    const here = await open()
    const neighbours = [await furnished(here, 'shared'), await furnished(here, 'shared')]
    const elsewhere = await furnished(here, 'shared')
    await move(here, elsewhere.slug, 'other')
    neighbours.push(await standing(here, elsewhere))
    const look = () => Promise.all(neighbours.map(({ id, placement }) => rowsIn(here.catalog, id, placement)))
    const before = await look()
    const tenant = await furnished(here, 'shared')
    await move(here, tenant.slug, 'other')
    await anHourLater(here, tenant)
    await finishMoves(here.catalog, tenant.slug, SIGNAL)
    await move(here, tenant.slug, 'default')
    expect(await look()).toEqual(before)
    expect(await rowsIn(here.catalog, tenant.id, tenant.placement)).not.toEqual({})
  })

  it('refuses whoever still takes the old copy for the tenant', async () => {
    const here = await open()
    const tenant = await furnished(here, 'dedicated')
    await move(here, tenant.slug, 'shared')
    const stale = addFeeds(here.catalog, tenant, [{ url: 'https://example.com/stale.xml', title: null }])
    await expect(stale).rejects.toMatchObject({ code: 'TENANT_MOVED' })
  })

  it('says that a tenant is where it should go, and does nothing', async () => {
    const here = await open()
    const tenant = await furnished(here, 'shared')
    expect(await move(here, tenant.slug, 'shared')).toMatchObject({ outcome: 'there', rows: 0 })
    expect(await move(here, tenant.slug, 'default')).toMatchObject({ outcome: 'there' })
    expect(await openMoves(here.catalog, tenant.id)).toEqual([])
  })

  it('tells beforehand what it would do, and changes nothing', async () => {
    const here = await open()
    const tenant = await furnished(here, 'shared')
    const plan = await planMove(here.catalog, here.prefix, tenant.slug, parseWish('other/dedicated'))
    expect(plan).toMatchObject({ outcome: 'would move', tables: { posts: 40, feeds: 2 } })
    expect(plan.rows).toBe(Object.values(await rowsIn(here.catalog, tenant.id, tenant.placement)).flat().length)
    expect(await standing(here, tenant)).toEqual(tenant)
    expect((await listMoves(here.catalog, { tenantId: tenant.id, limit: 10 })).moves).toEqual([])
  })

  it.for([
    'dedicated',
    'shared',
  ] as const)('removes the old copy of a %s tenant when it is finished, and nothing else', async from => {
    const here = await open()
    const tenant = await furnished(here, from)
    const before = await rowsIn(here.catalog, tenant.id, tenant.placement)
    await move(here, tenant.slug, 'other')
    await anHourLater(here, tenant)
    const done = await finishMoves(here.catalog, tenant.slug, SIGNAL)
    expect(done.removed).toEqual([tenant.placement])
    expect(await rowsIn(here.catalog, tenant.id, tenant.placement)).toEqual({})
    expect(await (await here.catalog.hosts.serverOf('default')).has(tenant.placement.database)).toBe(from === 'shared')
    expect(await rowsIn(here.catalog, tenant.id, (await standing(here, tenant)).placement)).toEqual(before)
    await expect(finishMoves(here.catalog, tenant.slug, SIGNAL)).rejects.toMatchObject({ code: 'MOVE_NOT_FOUND' })
  })

  it.for(['dedicated', 'shared'] as const)('goes back to a %s placement with all that was written since', async from => {
    const here = await open()
    const tenant = await furnished(here, from)
    await move(here, tenant.slug, from === 'shared' ? 'dedicated' : 'shared')
    const there = await standing(here, tenant)
    await addFeeds(here.catalog, there, [{ url: 'https://example.com/new.xml', title: 'new' }])
    await withTenant(here.catalog, there, tables =>
      tables.transaction(async tx => {
        await tx.remove('posts').where('id', 'in', [3, 40]).execute()
        await tx.updatePosts().set({ title: 'changed since' }).where('id', '=', 5).execute()
      }),
    )
    const written = await rowsIn(here.catalog, tenant.id, there.placement)
    expect(await moveBack(here.catalog, tenant.slug, keeping())).toMatchObject({ outcome: 'moved' })
    const back = await standing(here, tenant)
    expect(back.placement).toEqual(tenant.placement)
    expect(await rowsIn(here.catalog, tenant.id, back.placement)).toEqual(written)
    const { moves } = await listMoves(here.catalog, { tenantId: tenant.id, limit: 10 })
    expect(moves.map(({ state }) => state)).toEqual(['finished', 'switched'])
  })

  it('takes itself back when the other side does not hold what it was given', async () => {
    const here = await open()
    const neighbour = await furnished(here, 'shared')
    await move(here, neighbour.slug, 'other')
    const { placement } = await standing(here, neighbour)
    const server = await here.catalog.hosts.serverOf('other')
    const change = (text: (table: string) => string) =>
      server.use<TenantSchema, unknown>(placement.database, database =>
        sql.raw(text(database.qualify('posts'))).execute(database.kysely),
      )
    const name = kind === 'mysql' ? `\`${placement.database}\`.falsify` : 'falsify'
    await change(table =>
      kind === 'mysql'
        ? `create trigger ${name} before insert on ${table} for each row set new.title = concat(new.title, '!')`
        : `create trigger ${name} after insert on ${table} begin update posts set title = title || '!' where tenant_id = new.tenant_id and id = new.id; end`,
    )
    const tenant = await furnished(here, 'shared')
    const before = await rowsIn(here.catalog, tenant.id, tenant.placement)
    await expect(move(here, tenant.slug, 'other')).rejects.toMatchObject({ code: 'MOVE_MISMATCH' })
    await change(() => `drop trigger ${name}`)
    expect(await standing(here, tenant)).toMatchObject({ placement: tenant.placement })
    expect(await rowsIn(here.catalog, tenant.id, tenant.placement)).toEqual(before)
    expect(await rowsIn(here.catalog, tenant.id, placement)).toEqual({})
    await addFeeds(here.catalog, tenant, [{ url: 'https://example.com/goes-on.xml', title: null }])
    expect((await listMoves(here.catalog, { tenantId: tenant.id, limit: 1 })).moves[0]).toMatchObject({
      state: 'undone',
      failureCode: 'MOVE_MISMATCH',
    })
    expect(await move(here, tenant.slug, 'other')).toMatchObject({ outcome: 'moved' })
  })

  it('is left where it was when it is interrupted, goes on when asked again, and can be undone instead', async () => {
    const here = await open()
    const [one, two] = [await furnished(here, 'dedicated'), await furnished(here, 'dedicated')]
    for (const tenant of [one, two]) {
      const stop = new AbortController()
      const options = { ...keeping(stop.signal), onRows: () => stop.abort(new Error('stopped')) }
      await expect(move(here, tenant.slug, 'shared', options)).rejects.toThrow('stopped')
      await addFeeds(here.catalog, tenant, [{ url: 'https://example.com/between.xml', title: null }])
    }
    await expect(move(here, one.slug, 'other')).rejects.toMatchObject({ code: 'MOVE_REFUSED' })
    const before = await rowsIn(here.catalog, one.id, one.placement)
    expect(await move(here, one.slug, 'shared')).toMatchObject({ outcome: 'moved' })
    const there = (await standing(here, one)).placement
    expect(await rowsIn(here.catalog, one.id, there)).toEqual(before)
    expect(await undoMove(here.catalog, two.slug, SIGNAL)).toMatchObject({ outcome: 'undone' })
    expect(await rowsIn(here.catalog, two.id, there)).toEqual({})
    await expect(undoMove(here.catalog, two.slug, SIGNAL)).rejects.toMatchObject({ code: 'MOVE_NOT_FOUND' })
    await expect(undoMove(here.catalog, one.slug, SIGNAL)).rejects.toMatchObject({ code: 'MOVE_REFUSED' })
  })

  it('refuses a host that drains, one that is not there, and a tenant that is being removed', async () => {
    const here = await open()
    const tenant = await furnished(here, 'dedicated')
    await expect(move(here, tenant.slug, 'nowhere')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
    const drain = (state: 'open' | 'draining') =>
      here.catalog.kysely.updateTable('hosts').set({ state }).where('name', '=', 'other').execute()
    await drain('draining')
    await expect(move(here, tenant.slug, 'other')).rejects.toMatchObject({ exit: 4 })
    await drain('open')
    await changeState(here.catalog, tenant.slug, ['active'], 'deleting', Date.now() + 60_000)
    await expect(move(here, tenant.slug, 'other')).rejects.toMatchObject({ code: 'MOVE_REFUSED' })
  })
})
