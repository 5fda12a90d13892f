import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Unreadable } from '../../src/analytics/event.js'
import { openIntake } from '../../src/analytics/intake.js'
import { Gauge } from '../../src/analytics/log/gauge.js'
import { Journal } from '../../src/analytics/log/journal.js'
import { Waker } from '../../src/analytics/waker.js'
import { sleep } from '../../src/kernel/clock.js'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { parseTenantId } from '../../src/tenants/ids.js'
import { temporaryFolder } from '../support/folders.js'
import { drained } from './log-contract.js'

const TENANT = parseTenantId(7)
const EVENT = { kind: 'view', post_id: 1, visitor: 'ann' }

function ground(rawDays = 0) {
  const events = new Journal({ folder: join(temporaryFolder(), 'analytics'), maxBytes: 1024 ** 2, log: new Log(() => {}) })
  onTestFinished(() => events.close())
  let woken = 0
  const intake = openIntake({ events, config: { analyticsRawDays: rawDays }, wake: () => woken++ })
  return { events, intake, woken: () => woken }
}

describe('the intake', () => {
  it('keeps the good events of a batch, and names the bad ones', async () => {
    const { events, intake, woken } = ground()
    const sent = [EVENT, { kind: 'NO' }, { ...EVENT, kind: 'click' }, new Unreadable('it is no JSON')]
    expect(await intake.accept(TENANT, 'mine', sent)).toEqual({
      batchId: 'mine',
      accepted: 2,
      refused: 2,
      refusals: [
        { index: 1, message: 'kind is not 1 to 32 of a-z 0-9 _ . -, a letter first' },
        { index: 3, message: 'it is no JSON' },
      ],
    })
    expect(woken()).toBe(1)
    const [batch] = await drained(events)
    expect(batch).toMatchObject({ tenantId: 7, id: 'mine', events: { length: 2, kinds: ['view', 'click'], extras: null } })
  })

  it('gives each batch without an id one of its own', async () => {
    const { events, intake } = ground()
    const ids = [await intake.accept(TENANT, null, [EVENT]), await intake.accept(TENANT, null, [EVENT])].map(
      ({ batchId }) => batchId,
    )
    expect(new Set(ids).size).toBe(2)
    expect((await drained(events)).map(({ id }) => id).sort()).toEqual(ids.sort())
  })

  it('keeps what else events say only where single events are kept', async () => {
    const { events, intake } = ground(3)
    await intake.accept(TENANT, null, [{ ...EVENT, page: '/' }, EVENT])
    expect((await drained(events))[0]?.events.extras).toEqual(['{"page":"/"}', null])
  })

  it('takes a thousand at once, and names a hundred refusals', async () => {
    const { intake } = ground()
    const sent = Array.from({ length: 1_000 }, (_, index) => (index < 300 ? {} : EVENT))
    const { accepted, refused, refusals } = await intake.accept(TENANT, null, sent)
    expect([accepted, refused, refusals.length, refusals.at(-1)?.index]).toEqual([700, 300, 100, 99])
  })

  it.each([
    ['no events', null, [], 'there are no events'],
    ['too many', null, Array.from({ length: 1_001 }, () => EVENT), '1001 events are more than the 1000 that a batch may have'],
    [
      'none that is good',
      null,
      [{}, 7],
      'none of 2 events is good: event 0: kind is not 1 to 32 of a-z 0-9 _ . -, a letter first',
    ],
    ['an id with a blank', 'a b', [EVENT], 'the batch id is not 1 to 64 of A-Z a-z 0-9 . _ : -'],
    ['an id that is too long', 'a'.repeat(65), [EVENT], 'the batch id is not 1 to 64 of A-Z a-z 0-9 . _ : -'],
    ['an id of nothing', '', [EVENT], 'the batch id is not 1 to 64 of A-Z a-z 0-9 . _ : -'],
  ])('refuses %s, and wakes nobody', async (_what, id, sent, message) => {
    const { events, intake, woken } = ground()
    await expect(intake.accept(TENANT, id, sent)).rejects.toMatchObject({ code: 'EVENTS_INVALID', message })
    expect([woken(), await drained(events)]).toEqual([0, []])
  })
})

describe('the waker', () => {
  it('adds at once, then once for all that wakes it meanwhile', async () => {
    let added = 0
    const add = async () => {
      added++
      return undefined
    }
    const waker = new Waker(add, new Log(() => {}), 100)
    waker.wake()
    waker.wake()
    waker.wake()
    expect(added).toBe(1)
    await expect.poll(() => added).toBe(2)
    await waker.close()
    expect(added).toBe(2)
  })

  it('adds what is wanted when it is closed', async () => {
    let added = 0
    const add = async () => {
      added++
      return undefined
    }
    const waker = new Waker(add, new Log(() => {}), 3_600_000)
    waker.wake()
    waker.wake()
    await waker.close()
    expect(added).toBe(2)
  })

  it('tries again, and tells why, until it has added', async () => {
    let tries = 0
    const lines: string[] = []
    const add = async () => {
      tries++
      // Longer than the pause between two.
      await sleep(50)
      if (tries < 3) throw new Failure('UNAVAILABLE', 'the queue does not answer')
      return undefined
    }
    const waker = new Waker(add, new Log(line => lines.push(line)), 10)
    waker.wake()
    await expect.poll(() => tries).toBe(3)
    await waker.close()
    expect(lines.filter(line => line.includes('could not be added'))).toHaveLength(2)
  })
})

describe('the waker of a job that is in quarantine', () => {
  it('says so once, and again after it was let out and came back', async () => {
    const lines: string[] = []
    const answers = [['a'], ['a'], [], ['a']]
    const add = async () => ({ quarantined: answers.shift() ?? [] })
    const waker = new Waker(add, new Log(line => lines.push(line)), 1)
    for (const left of [3, 2, 1, 0]) {
      waker.wake()
      await expect.poll(() => answers.length, { interval: 5 }).toBe(left)
    }
    await waker.close()
    expect(lines.filter(line => line.includes('their job is in quarantine'))).toHaveLength(2)
  })
})

describe('the gauge', () => {
  it('reads once a second, and counts what it lets in until then', async () => {
    let [now, reads, bytes] = [0, 0, 0]
    const backlog = async () => {
      reads++
      return { bytes }
    }
    const gauge = new Gauge({ backlog, held: async () => new Set() }, 100, () => now)
    await Promise.all([gauge.admit(TENANT, 60), gauge.admit(TENANT, 60)])
    expect(reads).toBe(1)
    await expect(gauge.admit(TENANT, 1)).rejects.toMatchObject({ code: 'EVENTS_BEHIND' })
    now = 999
    await expect(gauge.admit(TENANT, 1)).rejects.toMatchObject({ code: 'EVENTS_BEHIND' })
    now = 1_000
    await gauge.admit(TENANT, 1)
    bytes = 100
    now = 2_000
    await expect(gauge.admit(TENANT, 1)).rejects.toMatchObject({ code: 'EVENTS_BEHIND' })
    expect(reads).toBe(3)
  })
})
