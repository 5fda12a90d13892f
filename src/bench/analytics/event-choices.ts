import { Random } from '../feed-server/random.js'

const KINDS = ['view', 'view', 'view', 'view', 'view', 'view', 'view', 'click', 'click', 'share'] as const
const TABLE = 65_536
/** Events are told of up to so long after they happened. */
const LATE_MS = 5_000

/** What events are about: few posts get most of them (Zipf), visitors are many. The same seed makes the same choices. */
export class EventChoices {
  private readonly random: Random
  private readonly posts = new Uint32Array(TABLE)
  private at = 0

  constructor(
    seed: number,
    posts: number,
    private readonly visitors: number,
  ) {
    this.random = new Random(seed)
    const weights = zipf(posts)
    for (let n = 0; n < TABLE; n++) this.posts[n] = pick(weights, this.random.below(1_000_000) / 1_000_000) + 1
  }

  kind(): string {
    return this.random.pick(KINDS)
  }

  /** Ids count from 1. */
  post(): number {
    this.at = (this.at + 1 + this.random.below(7)) % TABLE
    return this.posts[this.at] ?? 1
  }

  visitor(): number {
    return this.random.below(this.visitors)
  }

  time(now: number): number {
    return now - this.random.below(LATE_MS)
  }
}

/** Sums of the weights 1, 1/2, 1/3 and so on, as parts of the whole. */
export function zipf(count: number): number[] {
  let sum = 0
  const sums = Array.from({ length: count }, (_, n) => {
    sum += 1 / (n + 1)
    return sum
  })
  return sums.map(one => one / sum)
}

/** The first whose sum exceeds the part. */
export function pick(sums: readonly number[], part: number): number {
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 1) > part) high = middle
    else low = middle + 1
  }
  return low
}
