import { expect, it } from 'vitest'
import { fenceOf, fenceTenant, leave, liftFence, withRemoval } from '../../src/tenants/fence.js'
import { parseDatabaseName, parseSlug } from '../../src/tenants/ids.js'
import { emptyPlace, holdPlace, whileHeld } from '../../src/tenants/moving/holding.js'
import { removeTenant } from '../../src/tenants/removal.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { type RacingWriter, writerElsewhere, writerHere } from './fence-writers.js'
import { atPlace, fence } from './fences.js'
import { describeDatabases, type Installation, openInstallation, removing, tenantIn } from './installation.js'

const ROUNDS = 6

function tombstones({ catalog }: Installation, tenant: Tenant): Promise<number> {
  return withTenant(catalog, tenant, async tables => (await tables.tombstones().select('guid_hash').execute()).length)
}

function write({ catalog }: Installation, tenant: Tenant, guid = 'x'): Promise<void> {
  const row = { feed_id: 9, guid_hash: guid, deleted_at: 1 }
  return withTenant(catalog, tenant, tables => tables.transaction(tx => tx.insert('tombstones', [row])))
}

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open: () => open() }
}

function committedBy(writers: readonly RacingWriter[]): number {
  return writers.reduce((sum, writer) => sum + writer.committed, 0)
}

/** Until each of them was refused with the code once more. */
async function untilRefused(writers: readonly RacingWriter[], code: string): Promise<void> {
  const before = writers.map(writer => writer.refused.get(code) ?? 0)
  await expect
    .poll(() => writers.every((writer, place) => (writer.refused.get(code) ?? 0) > (before[place] ?? 0) + 1), { timeout: 60_000 })
    .toBe(true)
}

async function untilCommitted(writers: readonly RacingWriter[]): Promise<void> {
  const before = writers.map(writer => writer.committed)
  await expect
    .poll(() => writers.every((writer, place) => writer.committed > (before[place] ?? 0)), { timeout: 60_000 })
    .toBe(true)
}

describeDatabases('a fence', env => {
  for (const kind of ['shared', 'dedicated'] as const) {
    it(`lets nothing through once it is there, whoever writes, and everything when it is lifted (${kind})`, async () => {
      const mover = await openInstallation(env)
      const tenant = await tenantIn(mover, `raced-${kind}`, kind)
      const neighbour = await tenantIn(mover, `raced-${kind}-2`, 'shared')
      const writers = [
        writerHere(await openInstallation(env), tenant, 1),
        writerHere(await openInstallation(env), tenant, 2),
        await writerElsewhere(env, tenant, 3),
      ]
      for (let move = 1; move <= ROUNDS; move++) {
        await untilCommitted(writers)
        await fence(mover.catalog, tenant, move)
        const there = await tombstones(mover, tenant)
        await untilRefused(writers, 'TENANT_MOVING')
        expect(await tombstones(mover, tenant)).toBe(there)
        await write(mover, neighbour, `r${move}`)
        await liftFence(mover.catalog, tenant, move)
      }
      await untilCommitted(writers)
      for (const writer of writers) await writer.end()
      // Nothing that a writer was told is kept was lost, nor kept without its word.
      expect(await tombstones(mover, tenant)).toBe(committedBy(writers))
      for (const { refused } of writers) expect([...refused.keys()]).toEqual(['TENANT_MOVING'])
      expect(await tombstones(mover, neighbour)).toBe(ROUNDS)
    })
  }

  it('waits for the transaction that is under way', async () => {
    const [mover, other] = [await openInstallation(env), await openInstallation(env)]
    const tenant = await tenantIn(mover, 'under-way', 'shared')
    const [begun, held] = [gate(), gate()]
    const writing = withTenant(other.catalog, tenant, tables =>
      tables.transaction(async tx => {
        await tx.insert('tombstones', [{ feed_id: 1, guid_hash: 'late', deleted_at: 1 }])
        begun.open()
        await held.opened
      }),
    )
    await begun.opened
    const order: string[] = []
    const fenced = fence(mover.catalog, tenant, 7).then(() => order.push('fenced'))
    // The first of its two steps is done.
    await expect
      .poll(
        async () => (await mover.catalog.kysely.selectFrom('tenants').select('move_id').where('id', '=', tenant.id).execute())[0],
      )
      .toEqual({ move_id: 7 })
    held.open()
    await writing.then(() => order.push('written'))
    await fenced
    expect(order).toEqual(['written', 'fenced'])
    expect(await tombstones(mover, tenant)).toBe(1)
  })

  it('is passed by its own move, which another is refused, and lets everybody read', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'passed', 'shared')
    await write(here, tenant)
    await fence(here.catalog, tenant, 3)
    const put = (moveId: number) =>
      atPlace(here.catalog, tenant, place =>
        whileHeld(place, moveId, transaction =>
          transaction
            .insertInto('tombstones')
            .values({ tenant_id: tenant.id, feed_id: 1, guid_hash: `m${moveId}`, deleted_at: 1 })
            .execute(),
        ),
      )
    await put(3)
    await expect(put(4)).rejects.toMatchObject({ code: 'LOCKED' })
    const held = { code: 'TENANT_MOVING', exit: 5, retryAfterS: expect.any(Number) }
    await expect(write(here, tenant, 'y')).rejects.toMatchObject(held)
    await expect(fence(here.catalog, tenant, 4)).rejects.toMatchObject({ code: 'TENANT_MOVING' })
    expect(await tombstones(here, tenant)).toBe(2)
    // Another's word lifts nothing.
    await liftFence(here.catalog, tenant, 4)
    expect(await fenceOf(here.catalog, tenant)).toBe(3)
    await liftFence(here.catalog, tenant, 3)
    await expect(put(3)).rejects.toMatchObject({ code: 'LOCKED' })
  })

  it('is put up, and lifted, twice as once, and goes on after a death between its steps', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'twice', 'shared')
    const { kysely } = here.catalog
    const standing = async () => {
      const row = await kysely.selectFrom('tenants').select(['move_id', 'next_sync_at']).where('id', '=', tenant.id).execute()
      return [row[0], await fenceOf(here.catalog, tenant)]
    }
    await kysely.updateTable('tenants').set({ next_sync_at: 5, move_id: 8 }).where('id', '=', tenant.id).execute()
    await fence(here.catalog, tenant, 8)
    await fence(here.catalog, tenant, 8)
    expect(await standing()).toEqual([{ move_id: 8, next_sync_at: 5 }, 8])
    await liftFence(here.catalog, tenant, 8)
    await liftFence(here.catalog, tenant, 8)
    expect(await standing()).toEqual([{ move_id: null, next_sync_at: null }, null])
    await write(here, tenant)
  })

  it('leaves behind a place where stale writers are told that the tenant has moved', async () => {
    const [mover, stale] = [await openInstallation(env), await openInstallation(env)]
    const tenant = await tenantIn(mover, 'moves', 'shared')
    const writer = writerHere(stale, tenant, 1)
    await untilCommitted([writer])
    await fence(mover.catalog, tenant, 5)
    const target: Tenant = { ...tenant, placement: (await tenantIn(mover, 'its-new-home', 'dedicated')).placement }
    await atPlace(mover.catalog, target, place => holdPlace(place, 5))
    await atPlace(mover.catalog, target, place => holdPlace(place, 5))
    await expect(write(stale, target)).rejects.toMatchObject({ code: 'TENANT_MOVING' })
    await leave(mover.catalog, tenant, 5)
    await leave(mover.catalog, tenant, 5)
    await liftFence(mover.catalog, target, 5)
    await write(stale, target)
    await untilRefused([writer], 'TENANT_MOVED')
    await writer.end()
    expect(await tombstones(mover, tenant)).toBe(writer.committed)
    await expect(fence(mover.catalog, tenant, 6)).rejects.toMatchObject({ code: 'TENANT_MOVED' })
    await atPlace(mover.catalog, tenant, async place => {
      await holdPlace(place, -1)
      await emptyPlace(place, -1, new AbortController().signal)
    })
    expect([await tombstones(mover, tenant), await tombstones(mover, target)]).toEqual([0, 1])
  })

  it('is not put up by a mover that was held up, after another has moved the tenant on', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'moved-on', 'shared')
    await fence(here.catalog, tenant, 21)
    await liftFence(here.catalog, tenant, 21)
    await here.catalog.kysely.updateTable('moves').set({ state: 'resumed' }).where('id', '=', 21).execute()
    await expect(fenceTenant(here.catalog, tenant, 21)).rejects.toMatchObject({ code: 'LOCKED' })
    await fence(here.catalog, tenant, 22)
    await liftFence(here.catalog, tenant, 22)
    const other = await tenantIn(here, 'lives-elsewhere')
    const elsewhere = { from_placement_id: other.placementId }
    await here.catalog.kysely.updateTable('moves').set(elsewhere).where('id', '=', 22).execute()
    await expect(fenceTenant(here.catalog, tenant, 22)).rejects.toMatchObject({ code: 'LOCKED' })
    await write(here, tenant)
  })

  it('is not put up around a tenant that is being removed, and keeps one that it is around from being removed', async () => {
    const here = await openInstallation(env)
    const { kysely } = here.catalog
    const [going, moving] = [await tenantIn(here, 'going', 'shared'), await tenantIn(here, 'moving', 'shared')]
    const due = { state: 'deleting', delete_after: 1 } as const
    await kysely.updateTable('tenants').set(due).where('id', '=', going.id).execute()
    await expect(fence(here.catalog, going, 2)).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
    await fence(here.catalog, moving, 2)
    await kysely.updateTable('tenants').set(due).where('id', '=', moving.id).execute()
    await expect(removeTenant(here.catalog, moving.slug, removing())).rejects.toMatchObject({ code: 'TENANT_MOVING' })
    await expect(
      withRemoval(here.catalog, moving, tables => tables.transaction(tx => tx.remove('posts').execute())),
    ).rejects.toMatchObject({ code: 'TENANT_MOVING' })
    await expect(fenceTenant(here.catalog, { ...going, id: 999_999 as Tenant['id'] }, 2)).rejects.toMatchObject({
      code: 'TENANT_NOT_FOUND',
    })
  })

  it('is not needed where a shared tenant is removed: who still writes is told that it is gone, and nothing of it stays', async () => {
    const [here, stale] = [await openInstallation(env), await openInstallation(env)]
    const tenant = await tenantIn(here, 'removed', 'shared')
    const writers = [writerHere(stale, tenant, 1), writerHere(await openInstallation(env), tenant, 2)]
    await untilCommitted(writers)
    const due = { state: 'deleting', delete_after: 1 } as const
    await here.catalog.kysely.updateTable('tenants').set(due).where('id', '=', tenant.id).execute()
    await removeTenant(here.catalog, parseSlug('removed'), removing())
    await untilRefused(writers, 'TENANT_MOVED')
    for (const writer of writers) await writer.end()
    const { hosts } = here.catalog
    const server = await hosts.serverOf('default')
    const left = await server.use(parseDatabaseName(tenant.placement.database), async ({ kysely }) => {
      const counts: number[] = []
      for (const table of ['tombstones', 'counters', 'residents', 'feeds', 'posts']) {
        // biome-ignore lint/suspicious/noExplicitAny: any table of a tenant
        const rows = await (kysely as any).selectFrom(table).select('tenant_id').where('tenant_id', '=', tenant.id).execute()
        counts.push(rows.length)
      }
      return counts
    })
    expect(left).toEqual([0, 0, 0, 0, 0])
    await expect(getTenant(here.catalog, parseSlug('removed'))).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
  })
})
