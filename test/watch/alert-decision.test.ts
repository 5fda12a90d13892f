import { describe, expect, test } from 'vitest'
import { type AlertMemory, decideAlerts, NOTHING_SEEN, type Telling } from '../../src/watch/alert-decision.js'
import type { AlertRow } from '../../src/watch/alert-rows.js'
import { AT } from './made-up.js'

const REPEAT_MS = 600_000
const LOOK_MS = 15_000

/** Looks one after another, each told of what is there; what is told reaches those it is for, unless `deaf`. */
class Looks {
  readonly told: string[] = []
  readonly tellings: Telling[] = []
  rows: AlertRow[] = []
  memory: AlertMemory = NOTHING_SEEN
  now = AT
  elapsed = 0

  look(
    names: readonly string[],
    { deaf = false, blind = false, since = null as number | null, patienceMs = 0 } = {},
    times = 1,
  ): this {
    for (let index = 0; index < times; index++) this.lookOnce(names, { deaf, blind, since, patienceMs })
    return this
  }

  private lookOnce(
    names: readonly string[],
    { deaf, blind, since, patienceMs }: { deaf: boolean; blind: boolean; since: number | null; patienceMs: number },
  ): void {
    const conditions = names.map(name => ({ name, message: `${name} at ${this.now - AT}`, value: 1, since, patienceMs }))
    const { rows, memory, now, elapsed } = this
    const decided = decideAlerts({
      rows,
      conditions,
      judged: name => !blind || names.includes(name),
      memory,
      now,
      elapsed,
      repeatMs: REPEAT_MS,
    })
    this.memory = decided.memory
    for (const { telling, row } of decided.tellings) {
      this.told.push(`${telling.event} ${telling.name} ${telling.told} after ${telling.lastedMs / 1_000} s`)
      this.tellings.push(telling)
      const others = this.rows.filter(one => one.name !== row.name)
      if (telling.event === 'recovery') this.rows = deaf && !telling.lastTry ? this.rows : others
      else this.rows = [...others, deaf ? row : { ...row, toldAt: this.now, told: telling.told }]
    }
    this.now += LOOK_MS
    this.elapsed += LOOK_MS
  }

  /** The clock of the machine is set. */
  set(byMs: number): this {
    this.now += byMs
    return this
  }

  /** Another process goes on from the rows. */
  restart(): this {
    this.memory = NOTHING_SEEN
    return this
  }
}

describe('an alert', () => {
  test('is told once, at the second look that finds it', () => {
    expect(new Looks().look(['a']).told).toEqual([])
    expect(new Looks().look(['a']).look(['a']).look(['a']).look(['a']).told).toEqual(['alert a 1 after 15 s'])
  })

  test('is not told when it lasted for one look, however often', () => {
    expect(new Looks().look(['a']).look([]).look(['a']).look([]).look(['a']).look([]).told).toEqual([])
  })

  test('stands since its condition began, where that is known', () => {
    expect(new Looks().look(['a'], { since: AT - 60_000 }).look(['a'], { since: AT - 60_000 }).told).toEqual([
      'alert a 1 after 75 s',
    ])
  })

  test('is told again every so often while it lasts, with how often it was', () => {
    const looks = new Looks()
    for (let count = 0; count < 100; count++) looks.look(['a'])
    expect(looks.told).toEqual(['alert a 1 after 15 s', 'reminder a 2 after 615 s', 'reminder a 3 after 1215 s'])
    expect(looks.tellings.at(-1)?.message).toBe('a at 1215000')
  })

  test('is over when no look finds it for five minutes, which is told once with how long it lasted', () => {
    const looks = new Looks().look(['a'], {}, 2).look([], {}, 20)
    expect(looks.told).toEqual(['alert a 1 after 15 s'])
    expect(looks.look([], {}, 3).told).toEqual(['alert a 1 after 15 s', 'recovery a 1 after 30 s'])
    expect(looks.rows).toEqual([])
  })

  test('that hovers at its limit is one alert, with its reminders', () => {
    const looks = new Looks()
    for (let minute = 0; minute < 60; minute++) looks.look(['a'], {}, 2).look([], {}, 2)
    expect(looks.told.map(line => line.split(' ', 3).join(' '))).toEqual([
      'alert a 1',
      ...Array.from({ length: 5 }, (_, index) => `reminder a ${index + 2}`),
    ])
  })

  test('is not told before its condition has been there for its patience, and not at all when that is shorter', () => {
    const patienceMs = 85_000
    const patient = new Looks().look(['a'], { patienceMs }, 6)
    expect(patient.told).toEqual([])
    expect(patient.look(['a'], { patienceMs }).told).toEqual(['alert a 1 after 90 s'])
    expect(new Looks().look(['a'], { patienceMs }, 6).look([]).look(['a'], { patienceMs }, 6).told).toEqual([])
  })

  test('goes on when one look did not find it', () => {
    expect(new Looks().look(['a']).look(['a']).look([]).look(['a']).look([]).look(['a']).told).toEqual(['alert a 1 after 15 s'])
  })

  test('that comes back after it was over is a new one', () => {
    expect(new Looks().look(['a'], {}, 2).look([], {}, 21).look(['a'], {}, 2).told).toEqual([
      'alert a 1 after 15 s',
      'recovery a 1 after 30 s',
      'alert a 1 after 15 s',
    ])
  })

  test('is told for itself, beside others', () => {
    expect(new Looks().look(['a']).look(['a', 'b']).look(['b'], {}, 21).told).toEqual([
      'alert a 1 after 15 s',
      'alert b 1 after 15 s',
      'recovery a 1 after 30 s',
    ])
  })

  test('is not told again by a process that finds its row', () => {
    const looks = new Looks().look(['a']).look(['a']).restart().look(['a']).look(['a'])
    expect(looks.told).toEqual(['alert a 1 after 15 s'])
    expect(looks.restart().look([], {}, 21).told.at(-1)).toBe('recovery a 1 after 60 s')
  })
})

describe('a clock that is set back by two hours', () => {
  test('puts off neither a reminder nor a recovery', () => {
    const looks = new Looks().look(['a'], {}, 2).set(-7_200_000).look(['a']).look(['a'], {}, 10)
    expect(looks.told).toEqual(['alert a 1 after 15 s', 'reminder a 2 after 0 s'])
    looks.look([]).set(-7_200_000).look([], {}, 20)
    expect(looks.told.at(-1)).toMatch(/^recovery a 2 /)
  })

  test('ends no patience, and one that is set forward neither', () => {
    const patienceMs = 85_000
    const looks = new Looks().look(['a'], { patienceMs }).set(7_200_000).look(['a'], { patienceMs }, 5)
    expect(looks.told).toEqual([])
    expect(looks.set(-14_400_000).look(['a'], { patienceMs }).told).toHaveLength(1)
  })
})

describe('what reached nobody', () => {
  test('is told again with the next look, since when it began', () => {
    const looks = new Looks().look(['a']).look(['a'], { deaf: true }).look(['a'], { deaf: true }).look(['a']).look(['a'])
    expect(looks.told).toEqual(['alert a 1 after 15 s', 'alert a 1 after 30 s', 'alert a 1 after 45 s'])
  })

  test('of a recovery is told again, and given up after an hour', () => {
    const looks = new Looks().look(['a']).look(['a'])
    for (let count = 0; count < 300; count++) looks.look([], { deaf: true })
    const recoveries = looks.tellings.filter(telling => telling.event === 'recovery')
    expect(recoveries.length).toBe(221)
    expect(recoveries.map(telling => telling.lastTry).lastIndexOf(false)).toBe(219)
    expect(new Set(recoveries.map(telling => telling.lastedMs))).toEqual(new Set([30_000]))
    expect(looks.rows).toEqual([])
  })
})

describe('a look that can tell of little', () => {
  test('changes nothing of what it cannot tell of', () => {
    const looks = new Looks().look(['a']).look(['a'])
    for (let count = 0; count < 50; count++) looks.look([], { blind: true })
    expect(looks.told).toEqual(['alert a 1 after 15 s'])
    expect(looks.look(['a']).told).toHaveLength(2)
    expect(looks.told.at(-1)).toBe('reminder a 2 after 780 s')
  })

  test('does not begin anew what was seen before it', () => {
    expect(new Looks().look(['a']).look([], { blind: true }).look(['a']).told).toEqual(['alert a 1 after 30 s'])
    expect(new Looks().look(['a'], {}, 2).look([]).look([], { blind: true }, 20).look([]).told.at(-1)).toBe(
      'recovery a 1 after 30 s',
    )
  })

  test('tells of what it sees', () => {
    expect(new Looks().look(['away'], { blind: true }).look(['away'], { blind: true }).told).toEqual(['alert away 1 after 15 s'])
  })
})
