import { randomInt } from 'node:crypto'

/** Odd numbers nobody knows: who chooses the ids of posts cannot choose where they collide. */
const [TIME = 1, KIND = 1, POST = 1, POST_HIGH = 1] = Array.from({ length: 4 }, () => randomInt(2 ** 31) * 2 + 1)
const FIRST_BITS = 6

/** Combinations of a time, a kind and a post, each once, numbered from 0 in the order they came: typed arrays and open addressing, since an event must cost next to nothing. */
export class Tally {
  length = 0
  times = new Int32Array(2 ** (FIRST_BITS - 1))
  kinds = new Int32Array(2 ** (FIRST_BITS - 1))
  posts = new Float64Array(2 ** (FIRST_BITS - 1))
  events = new Float64Array(2 ** (FIRST_BITS - 1))
  private bits = FIRST_BITS
  /** Number of the combination, plus 1; 0 for a free place. Half of them stay free. */
  private places = new Int32Array(2 ** FIRST_BITS)

  /** Adds so many events to the combination, and answers its number. */
  add(time: number, kind: number, post: number, events: number): number {
    const place = this.placeOf(time, kind, post)
    const known = (this.places[place] as number) - 1
    if (known >= 0) {
      this.events[known] = (this.events[known] as number) + events
      return known
    }
    const number = this.length++
    this.places[place] = number + 1
    this.times[number] = time
    this.kinds[number] = kind
    this.posts[number] = post
    this.events[number] = events
    if (this.length === this.times.length) this.grow()
    return number
  }

  /** Number of the combination; -1 when it is not there. */
  find(time: number, kind: number, post: number): number {
    return (this.places[this.placeOf(time, kind, post)] as number) - 1
  }

  private placeOf(time: number, kind: number, post: number): number {
    const hash =
      Math.imul(time, TIME) + Math.imul(kind, KIND) + Math.imul(post, POST) + Math.imul(Math.floor(post / 2 ** 32), POST_HIGH)
    const mask = this.places.length - 1
    for (let place = (hash | 0) >>> (32 - this.bits); ; place = (place + 1) & mask) {
      const number = (this.places[place] as number) - 1
      if (number < 0) return place
      if (this.posts[number] === post && this.times[number] === time && this.kinds[number] === kind) return place
    }
  }

  private grow(): void {
    const { times, kinds, posts, events, length } = this
    this.times = new Int32Array(length * 2)
    this.kinds = new Int32Array(length * 2)
    this.posts = new Float64Array(length * 2)
    this.events = new Float64Array(length * 2)
    this.times.set(times)
    this.kinds.set(kinds)
    this.posts.set(posts)
    this.events.set(events)
    this.bits++
    this.places = new Int32Array(2 ** this.bits)
    for (let number = 0; number < length; number++) {
      this.places[this.placeOf(times[number] as number, kinds[number] as number, posts[number] as number)] = number + 1
    }
  }
}
