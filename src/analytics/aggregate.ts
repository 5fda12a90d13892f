import { setImmediate } from 'node:timers/promises'
import type { EventBatch } from './event-batch.js'
import { entryOf, type Sketch, sketchOf } from './hyperloglog.js'
import { Tally } from './tally.js'

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000
export const MINUTES_PER_DAY = 1_440

/** Events that are looked at in one piece: then everything else in the process has a turn. */
const EVENTS_PER_TURN = 20_000

/** In place of a post: the visitors of all posts of a day and kind. */
export const ALL_POSTS = -1

/** What batches of one tenant come to. */
export interface Aggregate {
  /** Kinds by the numbers that the tallies give them. */
  readonly kinds: readonly string[]
  readonly numbers: ReadonlyMap<string, number>
  /** Times are whole minutes since the epoch. */
  readonly minutes: Tally
  /** Times are whole days since the epoch, here and below. */
  readonly days: Tally
  /** Whose visitors there are sketches of: posts, and ALL_POSTS; `events` are those that named a visitor. */
  readonly visited: Tally
  /** By number of `visited`, made when it is asked for; of those without a visitor it is empty. */
  readonly sketch: (number: number) => Sketch
  readonly events: number
}

/** Adds the batches up, in one pass over their columns and two over their visitors. */
export async function aggregate(batches: readonly EventBatch[]): Promise<Aggregate> {
  const numbers = new Map<string, number>()
  const minutes = new Tally()
  const events = batches.reduce((sum, batch) => sum + batch.events.length, 0)
  const minuteOf = new Int32Array(events)
  const turns = new Turns()
  let place = 0
  for (const { events: columns } of batches) {
    if (turns.isDue(columns.length)) await setImmediate()
    tallyMinutes(columns, numbersOf(columns.kinds, numbers), minutes, minuteOf.subarray(place, place + columns.length))
    place += columns.length
  }
  const days = new Tally()
  const visited = new Tally()
  const postOf = new Int32Array(minutes.length)
  const allOf = new Int32Array(minutes.length)
  for (let number = 0; number < minutes.length; number++) {
    if (turns.isDue(1)) await setImmediate()
    const [day, kind] = [Math.floor((minutes.times[number] as number) / MINUTES_PER_DAY), minutes.kinds[number] as number]
    const post = minutes.posts[number] as number
    days.add(day, kind, post, minutes.events[number] as number)
    postOf[number] = visited.add(day, kind, post, 0)
    allOf[number] = visited.add(day, kind, ALL_POSTS, 0)
  }
  const sketch = await sketchesOf(batches, minuteOf, visited, [postOf, allOf])
  return { kinds: [...numbers.keys()], numbers, minutes, days, visited, sketch, events }
}

class Turns {
  private left = EVENTS_PER_TURN

  /** Whether it is time for one, before so many events more. */
  isDue(events: number): boolean {
    this.left -= events
    if (this.left > 0) return false
    this.left = EVENTS_PER_TURN
    return true
  }
}

function numbersOf(kinds: readonly string[], numbers: Map<string, number>): Int32Array {
  return Int32Array.from(kinds, kind => {
    const known = numbers.get(kind)
    if (known !== undefined) return known
    numbers.set(kind, numbers.size)
    return numbers.size - 1
  })
}

/** Fills `minuteOf` with the number of each event's combination. */
function tallyMinutes(columns: EventBatch['events'], kinds: Int32Array, minutes: Tally, minuteOf: Int32Array): void {
  const { length, kind, post, at } = columns
  let [minute, begin] = [0, Number.NaN]
  for (let index = 0; index < length; index++) {
    const ago = (at[index] as number) - begin
    // Events of a batch are of the same minute more often than not.
    if (!(ago >= 0 && ago < MINUTE_MS)) {
      minute = Math.floor((at[index] as number) / MINUTE_MS)
      begin = minute * MINUTE_MS
    }
    minuteOf[index] = minutes.add(minute, kinds[kind[index] as number] as number, post[index] as number, 1)
  }
}

/** Sorts the visitors by the combinations they belong to (`lists` says which, by the number of the minute's), each combination's one after another. */
async function sketchesOf(
  batches: readonly EventBatch[],
  minuteOf: Int32Array,
  visited: Tally,
  lists: readonly Int32Array[],
): Promise<Aggregate['sketch']> {
  const counts = visited.events
  await eachVisitor(batches, minuteOf, minute => {
    for (const list of lists) {
      const number = list[minute] as number
      counts[number] = (counts[number] as number) + 1
    }
  })
  const ends = new Int32Array(visited.length)
  let all = 0
  for (let number = 0; number < visited.length; number++) {
    ends[number] = all
    all += counts[number] as number
  }
  const entries = new Uint32Array(all)
  await eachVisitor(batches, minuteOf, (minute, high, low) => {
    const entry = entryOf(high, low)
    for (const list of lists) {
      const number = list[minute] as number
      const place = ends[number] as number
      entries[place] = entry
      ends[number] = place + 1
    }
  })
  return number => sketchOf(entries.subarray((ends[number] as number) - (counts[number] as number), ends[number] as number))
}

async function eachVisitor(
  batches: readonly EventBatch[],
  minuteOf: Int32Array,
  seen: (minute: number, high: number, low: number) => void,
): Promise<void> {
  const turns = new Turns()
  let place = 0
  for (const { events } of batches) {
    if (turns.isDue(events.length)) await setImmediate()
    const { length, visitorHigh, visitorLow } = events
    for (let index = 0; index < length; index++, place++) {
      const [high, low] = [visitorHigh[index] as number, visitorLow[index] as number]
      if (high !== 0 || low !== 0) seen(minuteOf[place] as number, high, low)
    }
  }
}
