import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { ALL_POSTS, DAY_MS, MINUTE_MS } from '../../src/analytics/aggregate.js'
import type { EventBatch } from '../../src/analytics/event-batch.js'
import { encodeSketch, entryOf, sketchOf } from '../../src/analytics/hyperloglog.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { batchOf, type GivenEvent, hashOf } from '../analytics/batches.js'
import { describeDrivers } from '../support/drivers.js'
import { Installation } from './installation.js'

/** On each of the four combinations. */
const KILLS = 6
/** The last of them come when batches of a tenant that cannot be counted are behind the others, and are about to be forgotten where they were. */
const KILLS_BETWEEN = 2
const TENANTS = 4
const BATCHES = 12
const EVENTS = 150
const YESTERDAY = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS

/** What a tenant sent, and what it must come to. */
class Sent {
  private readonly batches = new Map<string, readonly GivenEvent[]>()

  constructor(readonly tenant: Tenant) {}

  /** A batch of a round, or one that was sent before. */
  batch(round: number, number: number): EventBatch {
    const id = `r${round}-${number}`
    const known = this.batches.get(id)
    const events =
      known ??
      Array.from({ length: EVENTS }, (_, index) => ({
        at: YESTERDAY + ((index * 7 + number) % 2_000) * MINUTE_MS,
        post: (index + number) % 9,
        kind: index % 4 === 0 ? 'click' : 'view',
        ...(index % 5 === 0 ? {} : { visitor: `v${(round * 31 + number * 17 + index) % 700}` }),
      }))
    this.batches.set(id, events)
    return batchOf(this.tenant.id, id, events)
  }

  expected(): Record<string, unknown> {
    const events = [...this.batches.values()].flat()
    const visitors = new Map<string, number[]>()
    for (const { at = 0, post, kind, visitor } of events) {
      if (visitor === undefined) continue
      const entry = entryOf(...hashOf(this.tenant.id, visitor))
      for (const place of [post, ALL_POSTS]) {
        const key = `${Math.floor(at / DAY_MS)} ${place} ${kind}`
        visitors.set(key, [...(visitors.get(key) ?? []), entry])
      }
    }
    return {
      minutes: countsOf(events.map(({ at = 0, post, kind }) => `${Math.floor(at / MINUTE_MS)} ${post} ${kind}`)),
      days: countsOf(events.map(({ at = 0, post, kind }) => `${Math.floor(at / DAY_MS)} ${post} ${kind}`)),
      visitors: sorted(
        [...visitors].map(([key, entries]) => [key, hex(encodeSketch(sketchOf(Uint32Array.from(entries))))] as const),
      ),
      raw: countsOf(events.map(({ at, post, kind, visitor }) => `${at} ${post} ${kind} ${visitorText(this.tenant.id, visitor)}`)),
      batches: sorted([...this.batches].map(([id, of]) => [id, of.length] as const)),
    }
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const sorted = <T>(entries: readonly (readonly [string, T])[]) =>
  Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))

function visitorText(tenantId: number, visitor: string | undefined): string | null {
  if (visitor === undefined) return null
  return hashOf(tenantId, visitor).reduce((text, word) => text + word.toString(16).padStart(8, '0'), '')
}

function countsOf(keys: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return sorted([...counts])
}

async function counted(installation: Installation, tenant: Tenant): Promise<Record<string, unknown>> {
  await using app = await installation.open()
  // Awaited here: the app is closed when this returns.
  return await withTenant(app.catalog, tenant, async tables => {
    const minutes = await tables.eventCounts().selectAll().execute()
    const days = await tables.eventDays().selectAll().execute()
    const visitors = await tables.eventVisitors().selectAll().execute()
    const raw = await tables.events().selectAll().execute()
    const batches = await tables.eventBatches().selectAll().execute()
    return {
      minutes: sorted(minutes.map(row => [`${row.minute} ${row.post_id} ${row.kind}`, row.events])),
      days: sorted(days.map(row => [`${row.day} ${row.post_id} ${row.kind}`, row.events])),
      visitors: sorted(visitors.map(row => [`${row.day} ${row.post_id} ${row.kind}`, hex(row.sketch)])),
      raw: countsOf(raw.map(row => `${row.at} ${row.post_id} ${row.kind} ${row.visitor}`)),
      batches: sorted(batches.map(row => [row.batch_id, row.events])),
    }
  })
}

async function sendRound(installation: Installation, senders: readonly Sent[], round: number): Promise<void> {
  await using app = await installation.open()
  const log = await app.events()
  for (let number = 0; number < BATCHES; number++) {
    for (const sender of senders) await log.append(sender.batch(round, number))
    // Whoever got no answer sends it again.
    for (const sender of senders) if (number % 4 === 0) await log.append(sender.batch(Math.max(0, round - 1), number))
  }
}

/** Runs the deed while the tenant's database cannot be found. */
async function whileBroken(installation: Installation, tenant: Tenant, deed: () => Promise<void>): Promise<void> {
  const place = async (from: string, to: string) => {
    await using app = await installation.open()
    await app.catalog.kysely.updateTable('placements').set({ database_name: to }).where('database_name', '=', from).execute()
  }
  await place(tenant.placement.database, 'nothing_here')
  await deed()
  await place('nothing_here', tenant.placement.database)
}

/** Of a reader that was killed a stream hands nothing out for a minute: as if it had passed. */
async function passAMinute(redis: Redis, prefix: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `*${prefix}*`, count: 1_000, type: 'stream' })) {
    for (const key of keys as string[]) {
      const pending = (await redis.xpending(key, 'counting', '-', '+', 100_000).catch(() => [])) as [string, string][]
      for (const consumer of new Set(pending.map(([, name]) => name))) {
        const ids = pending.filter(([, name]) => name === consumer).map(([id]) => id)
        await redis.xclaim(key, 'counting', consumer, 0, ...ids, 'IDLE', 120_000, 'JUSTID')
      }
    }
  }
}

describeDrivers('events whose counting is killed', (settings, combination) => {
  it(`are counted once, all of them, whenever the ${KILLS} kills come`, { timeout: 600_000 }, async () => {
    await using installation = await Installation.create({ ...settings, FEEDCTL_ANALYTICS_RAW_DAYS: '30' })
    const senders: Sent[] = []
    for (let number = 0; number < TENANTS; number++) {
      const slug = `kills-${number}`
      await installation.createTenant(slug, [], ['--placement', number % 2 === 0 ? 'shared' : 'dedicated'])
      await using app = await installation.open()
      senders.push(new Sent(await getTenant(app.catalog, parseSlug(slug))))
    }
    const redis = combination.includes('redis') ? new Redis(settings.REDIS_URL ?? '') : null
    const dedicated = senders.find(({ tenant }) => tenant.placement.kind === 'dedicated')
    let kills = 0
    for (let round = 0; round < KILLS; round++) {
      await sendRound(installation, senders, round)
      const killWhen = async (words: string, waitMs: number) => {
        const flush = installation.start(['analytics', 'flush', '--log-level', 'debug'])
        await flush.says(words)
        await pause(waitMs)
        const { signal } = await flush.end('SIGKILL')
        if (signal === 'SIGKILL') kills++
      }
      if (round >= KILLS - KILLS_BETWEEN && dedicated !== undefined)
        await whileBroken(installation, dedicated.tenant, () => killWhen('events wait behind the others', 0))
      // Over all that one takes: reading, adding up, each transaction, and forgetting the batches.
      else await killWhen('counting events', Math.random() * 120)
      if (redis !== null) await passAMinute(redis, settings.FEEDCTL_REDIS_PREFIX ?? '')
    }
    redis?.disconnect()
    const last = await installation.run(['analytics', 'flush', '--json'])
    expect(last).toMatchObject({ exit: 0 })
    for (const sender of senders) expect(await counted(installation, sender.tenant)).toEqual(sender.expected())
    expect(kills).toBeGreaterThan(0)
    await using app = await installation.open()
    expect(await (await app.events()).take(1)).toBe(null)
  })
})
