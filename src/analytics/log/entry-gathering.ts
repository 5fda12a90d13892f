import { entryOf } from './stream-entries.js'

/** An entry that is larger makes Redis copy at length. */
const MOST_BYTES = 512 * 1024
/** As many are on their way at once: one is written while the next is gathered. */
const MOST_ON_THEIR_WAY = 4

interface Waiting {
  readonly batch: Buffer
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Gathers batches that arrive while others are on their way into one entry: the busier it is, the larger they are, and nobody waits for more to come. */
export class EntryGathering {
  private waiting: Waiting[] = []
  private onTheirWay = 0

  constructor(private readonly send: (entry: Buffer, batches: number) => Promise<void>) {}

  add(batch: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ batch, resolve, reject })
      // What arrives in the same turn of the loop goes together.
      if (this.waiting.length === 1) setImmediate(() => this.go())
    })
  }

  private go(): void {
    while (this.waiting.length > 0 && this.onTheirWay < MOST_ON_THEIR_WAY) void this.sendOne(this.next())
  }

  private next(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { batch } of this.waiting) {
      if (count > 0 && bytes + batch.length > MOST_BYTES) break
      bytes += batch.length
      count++
    }
    return this.waiting.splice(0, count)
  }

  private async sendOne(gathered: readonly Waiting[]): Promise<void> {
    this.onTheirWay++
    try {
      await this.send(entryOf(gathered.map(({ batch }) => batch)), gathered.length)
      for (const { resolve } of gathered) resolve()
    } catch (error) {
      for (const { reject } of gathered) reject(error)
    } finally {
      this.onTheirWay--
      this.go()
    }
  }
}
