import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { EventBatch } from '../../src/analytics/event-batch.js'
import { encodeBatch } from '../../src/analytics/log/codec.js'
import type { EventLog, TakenBatches } from '../../src/analytics/log/driver.js'
import { parseTenantId } from '../../src/tenants/ids.js'

const SCRIPT = fileURLToPath(new URL('log-process.js', import.meta.url))

/** A place that nothing else uses. */
export interface LogGround {
  /** Another log of the same place, as another process would open it. */
  open(maxBytes?: number): EventLog
  /** What leads a process of the test to the place. */
  readonly settings: Readonly<Record<string, string | number>>
  /** Lets the time pass after which a taker that was killed is known to be dead, where that takes time. */
  killed?(): Promise<void>
}

export function batchOf(id: string, events = 3, tenant = 1, acceptedAt = Date.now()): EventBatch {
  const of = (value: (index: number) => number) => Float64Array.from({ length: events }, (_, index) => value(index))
  return {
    tenantId: parseTenantId(tenant),
    id,
    acceptedAt,
    events: {
      length: events,
      kinds: ['view', 'click'],
      kind: Uint16Array.from({ length: events }, (_, index) => index % 2),
      post: of(index => index * 7),
      at: of(index => acceptedAt - index * 1000),
      visitorHigh: Uint32Array.from({ length: events }, (_, index) => index * 0x1000001),
      visitorLow: Uint32Array.from({ length: events }, (_, index) => 0xffffffff - index),
      extras: null,
    },
  }
}

/** Everything that waits, counted. */
export async function drained(log: EventLog): Promise<EventBatch[]> {
  const all: EventBatch[] = []
  for (let taken = await log.take(5_000); taken !== null; taken = await log.take(5_000)) {
    all.push(...taken.batches)
    await taken.done()
  }
  return all
}

const idsOf = (batches: readonly EventBatch[]) => batches.map(({ id }) => id)

/** Takes until there is something: others may hold it for a moment yet. */
async function takenSoon(log: EventLog): Promise<TakenBatches> {
  let taken: TakenBatches | null = null
  await expect
    .poll(async () => {
      taken = await log.take(1_000)
      return taken
    })
    .not.toBeNull()
  return taken as unknown as TakenBatches
}

/** Kills the process, and tells the ids that it said. */
class LogProcess {
  private readonly child: ChildProcess
  readonly ids: string[] = []

  constructor(settings: Readonly<Record<string, unknown>>) {
    this.child = spawn(process.execPath, [SCRIPT, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void this.child.kill('SIGKILL'))
    if (this.child.stdout !== null) createInterface({ input: this.child.stdout }).on('line', line => this.ids.push(line))
  }

  async kill(): Promise<string[]> {
    this.child.kill('SIGKILL')
    await once(this.child, 'close')
    return this.ids
  }
}

/** What every log of events promises. */
export function keepsTheLogContract(fresh: () => LogGround): void {
  describe('keeps the contract of logs:', () => {
    const ground = (maxBytes?: number) => {
      const place = fresh()
      const open = (bytes = maxBytes) => {
        const log = place.open(bytes)
        onTestFinished(() => log.close())
        return log
      }
      return { place, open, log: open() }
    }

    it('hands out a batch as it was appended, and forgets it when it is done', async () => {
      const { log } = ground()
      const batch = {
        ...batchOf('a.b_c:1-2', 4, 77),
        events: { ...batchOf('x', 4).events, extras: ['{"a":"ä"}', null, '{}', null] },
      }
      await log.append(batch)
      expect(await log.backlog()).toMatchObject({ batches: 1, oldestAt: expect.any(Number) })
      expect(await log.isTaken()).toBe(false)
      const taken = await log.take(1_000)
      expect(taken?.batches).toEqual([batch])
      expect(await log.take(1_000)).toBeNull()
      expect((await log.backlog()).batches).toBe(1)
      expect(await log.isTaken()).toBe(true)
      await taken?.done()
      expect(await log.isTaken()).toBe(false)
      await taken?.done()
      await taken?.giveBack()
      expect(await log.take(1_000)).toBeNull()
      expect(await log.backlog()).toEqual({ batches: 0, bytes: 0, oldestAt: null })
    })

    it('has nothing calmly', async () => {
      const { log } = ground()
      expect(await log.isTaken()).toBe(false)
      expect(await log.take(10)).toBeNull()
      expect(await log.backlog()).toEqual({ batches: 0, bytes: 0, oldestAt: null })
      await log.close()
    })

    it('hands out the oldest first, and about as many events as are asked for', async () => {
      const { log } = ground()
      for (let round = 0; round < 4; round++) {
        await log.append(batchOf(`${round}`, 100))
        // What is appended while nobody takes may be one piece.
        await (await log.take(1))?.giveBack()
      }
      const first = await log.take(100)
      expect(first?.batches[0]?.id).toBe('0')
      expect(first?.batches.length).toBeLessThan(4)
      await first?.done()
      expect([...idsOf(first?.batches ?? []), ...idsOf(await drained(log))]).toEqual(['0', '1', '2', '3'])
    })

    it('keeps all that hundreds append at once, and hands each to one of several takers', async () => {
      const { open, log } = ground()
      const second = open()
      const ids = Array.from({ length: 600 }, (_, n) => `${n}`)
      await Promise.all(ids.map((id, index) => (index % 2 === 0 ? log : second).append(batchOf(id, 20, 1 + (index % 5)))))
      expect((await log.backlog()).batches).toBe(600)
      const takers = [log, second, open(), open()]
      const taken = (await Promise.all(takers.map(drained))).flat()
      taken.push(...(await drained(log)))
      expect(idsOf(taken).sort()).toEqual(ids.sort())
    })

    it('gives to another what is given back, or was taken by a log that is closed, at once', async () => {
      const { open, log } = ground()
      const [first, second] = [open(), open()]
      await log.append(batchOf('wanted'))
      const given = await takenSoon(first)
      expect(await second.take(1_000)).toBeNull()
      await given.giveBack()
      expect(idsOf((await second.take(1_000))?.batches ?? [])).toEqual(['wanted'])
      await second.close()
      await second.close()
      expect(idsOf(await drained(first))).toEqual(['wanted'])
    })

    it('refuses more than may wait, and takes more once it is counted', async () => {
      const { log } = ground(100_000)
      let refused: unknown = null
      let accepted = 0
      for (; refused === null && accepted < 200; accepted++) {
        await log.append(batchOf(`${accepted}`, 1_000)).catch(error => {
          refused = error
        })
      }
      expect(refused).toMatchObject({ code: 'EVENTS_BEHIND', retry: true })
      expect(idsOf(await drained(log))).toHaveLength(accepted - 1)
      await expect.poll(() => log.append(batchOf('more')).then(() => 'kept')).toBe('kept')
    })

    it('puts behind all others what cannot be counted now, although no more may wait', async () => {
      const { log, open } = ground(20_000)
      await log.append(batchOf('first', 1_000))
      await log.append(batchOf('second', 1_000))
      const taken = await log.take(100_000)
      const first = taken?.batches ?? []
      expect(first).toHaveLength(2)
      const more = Array.from({ length: 3_000 }, (_, n) => batchOf(`behind ${n}`, 2))
      await open(1024 ** 3).append(batchOf('third'))
      await expect(log.append(batchOf('more'))).rejects.toMatchObject({ code: 'EVENTS_BEHIND' })
      await log.putBehind([...first, ...more])
      await taken?.done()
      const ids = idsOf(await drained(open()))
      expect(ids).toEqual(['third', ...idsOf(first), ...idsOf(more)])
    })

    it('refuses more of a tenant whose batches were put behind once it is half full, and of nobody else', async () => {
      const room = 4 * encodeBatch(batchOf('a', 1_000)).length
      const { log, open } = ground(room)
      const append = (id: string, tenant: number) => open().append(batchOf(id, 1_000, tenant))
      await append('first', 1)
      const taken = await takenSoon(log)
      await log.putBehind(taken.batches)
      await taken.done()
      await append('second', 1)
      await expect(append('third', 1)).rejects.toMatchObject({
        code: 'EVENTS_BEHIND',
        retry: true,
        message: expect.stringContaining('of this tenant'),
      })
      await append('of another', 2)
      expect(idsOf(await drained(open())).sort()).toEqual(['first', 'of another', 'second'])
      await append('again', 1)
    })

    it('hands out again what a taker had that was killed', async () => {
      const { place, log } = ground()
      await log.append(batchOf('held'))
      const taker = new LogProcess({ ...place.settings, deed: 'take' })
      await expect.poll(() => taker.ids).toEqual(['held'])
      expect(await log.take(1_000)).toBeNull()
      await taker.kill()
      expect(await log.isTaken()).toBe(true)
      await place.killed?.()
      expect(idsOf((await takenSoon(log)).batches)).toEqual(['held'])
    })

    it('has whole every batch that was acknowledged, wherever its process is killed', async () => {
      const { place, log } = ground()
      const acknowledged: string[] = []
      for (let round = 0; round < 5; round++) {
        const appenders = Array.from(
          { length: 4 },
          (_, n) => new LogProcess({ ...place.settings, deed: 'append', name: `${round}.${n}` }),
        )
        const killed = appenders.map(async appender => {
          await expect.poll(() => appender.ids.length, { interval: 5 }).toBeGreaterThan(0)
          await new Promise(resolve => setTimeout(resolve, Math.random() * 60))
          return appender.kill()
        })
        acknowledged.push(...(await Promise.all(killed)).flat())
      }
      const batches = await drained(log)
      const found = new Map(batches.map(batch => [batch.id, batch]))
      expect(acknowledged.filter(id => !found.has(id))).toEqual([])
      for (const [id, { events }] of found) {
        const number = Number(id.split(':')[1])
        expect([events.length, events.post[0], events.visitorLow.at(-1)]).toEqual([
          1 + (number % 50),
          number,
          number * 100 + (number % 50),
        ])
      }
      expect(await log.backlog()).toEqual({ batches: 0, bytes: 0, oldestAt: null })
    })
  })
}
