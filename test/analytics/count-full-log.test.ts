import { expect, it } from 'vitest'
import { countEvents } from '../../src/analytics/count-events.js'
import type { EventLog } from '../../src/analytics/log/driver.js'
import { Failure, isFailure } from '../../src/kernel/errors.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import { describeDrivers } from '../support/drivers.js'
import { batchOf } from './batches.js'
import { DAY, shownCounts } from './shown-counts.js'

const NEVER = new AbortController().signal
const EVENTS = Array.from({ length: 1_000 }, (_, index) => ({
  at: DAY * 86_400_000,
  post: 1 + (index % 50),
  visitor: `v${index}`,
}))

describeDrivers('a log with batches that cannot be counted', settings => {
  it('has room again once the others are counted, however full it was', async () => {
    await using installation = await Installation.create({ ...settings, FEEDCTL_ANALYTICS_BACKLOG_MB: '1' })
    await installation.createTenant('sound', [], ['--placement', 'dedicated'])
    await installation.createTenant('broken', [], ['--placement', 'dedicated'])
    await using app = await installation.open()
    const { catalog, log } = app
    const [sound, broken] = [await getTenant(catalog, parseSlug('sound')), await getTenant(catalog, parseSlug('broken'))]
    const events = await app.events()
    const isTaken = async (id: string) => {
      const tenant = id.endsWith('0') ? broken : sound
      return events.append(batchOf(tenant.id, id, EVENTS)).then(
        () => true,
        error => {
          if (!isFailure(error, 'EVENTS_BEHIND')) throw error
          return false
        },
      )
    }
    let accepted = 0
    while (await isTaken(`b${accepted}`)) accepted++
    expect(accepted).toBeGreaterThan(20)

    const { database } = broken.placement
    const place = (from: string, to: string) =>
      catalog.kysely.updateTable('placements').set({ database_name: to }).where('database_name', '=', from).execute()
    await place(database, 'nothing_here')
    const count = () => countEvents({ catalog, log, events, rawDays: 0 }, NEVER)
    const ofBroken = Math.ceil(accepted / 10)
    expect(await count()).toMatchObject({ batches: accepted - ofBroken, returned: ofBroken })
    await expect.poll(() => isTaken('b-new')).toBe(true)
    expect(await count()).toMatchObject({ batches: 1, repeated: 0, returned: ofBroken })
    expect((await shownCounts(catalog, sound)).batches.length).toBe(accepted - ofBroken + 1)

    await place('nothing_here', database)
    expect(await count()).toMatchObject({ batches: ofBroken, repeated: 0, returned: 0 })
    expect((await shownCounts(catalog, broken)).batches.length).toBe(ofBroken)
  })

  it('counts once what is there twice, since counting ended between putting it behind the others and forgetting it', async () => {
    await using installation = await Installation.create(settings)
    await installation.createTenant('twice', [], ['--placement', 'dedicated'])
    await using app = await installation.open()
    const { catalog, log } = app
    const tenant = await getTenant(catalog, parseSlug('twice'))
    const events = await app.events()
    for (const id of ['a', 'b', 'c']) await events.append(batchOf(tenant.id, id, EVENTS))
    const place = (from: string, to: string) =>
      catalog.kysely.updateTable('placements').set({ database_name: to }).where('database_name', '=', from).execute()
    await place(tenant.placement.database, 'nothing_here')
    const end = new Failure('UNAVAILABLE', 'it ends here')
    const ending: EventLog = {
      name: events.name,
      append: batch => events.append(batch),
      putBehind: batches => events.putBehind(batches),
      backlog: () => events.backlog(),
      isTaken: () => events.isTaken(),
      close: () => events.close(),
      take: async most => {
        const taken = await events.take(most)
        return taken === null ? null : { ...taken, done: () => Promise.reject(end) }
      },
    }
    await expect(countEvents({ catalog, log, events: ending, rawDays: 0 }, NEVER)).rejects.toBe(end)
    await place('nothing_here', tenant.placement.database)
    expect(await countEvents({ catalog, log, events, rawDays: 0 }, NEVER)).toMatchObject({
      batches: 3,
      repeated: 3,
      events: 3_000,
    })
    expect((await shownCounts(catalog, tenant)).days.length).toBe(50)
    expect((await shownCounts(catalog, tenant)).days[0]).toBe('0 1 view 60')
  })
})
