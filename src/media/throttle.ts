import { type Readable, Transform } from 'node:stream'
import { type Clock, sleep, steady } from '../kernel/clock.js'
import { rateAt, refill, spend, type Timetable, type TokenBucket, waitOf } from './bandwidth.js'
import type { Source } from './disks/driver.js'

/** A rate may have changed since the sleep began. */
const LONGEST_SLEEP_MS = 1_000
/** What goes in one turn, as a time at the rate; less where many wait, so that each has its turn within the second of these. */
const TURN_MS = 250
const ROUND_MS = 8_000
/** Fewer streams at a time are each sent sooner: as many as get at least this rate. */
const STREAM_BYTES_PER_S = 64 * 1024

/** Applies the timetable to all that is read through it, together, in turns of small slices. */
export class Throttle {
  private bucket: TokenBucket
  private turn: Promise<void> = Promise.resolve()
  private takers = 0

  /** `clock`: epoch ms, for the timetable. `since`: for the bucket. */
  constructor(
    private readonly timetable: Timetable,
    private readonly clock: Clock = Date.now,
    private readonly since: Clock = steady,
  ) {
    this.bucket = { debtBytes: 0, at: since() }
  }

  /** Bytes per second now; null for no limit. */
  get rate(): number | null {
    return rateAt(this.timetable, this.clock())
  }

  /** How many streams are best sent side by side now: at least one, at most `most`. */
  streams(most: number): number {
    const { rate } = this
    return rate === null ? most : Math.max(1, Math.min(most, Math.floor(rate / STREAM_BYTES_PER_S)))
  }

  /** Resolves when so many bytes may go, in turns with others that wait. Rejects with the signal's reason when it aborts. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    this.takers++
    try {
      for (let left = bytes; left > 0; ) {
        const slice = Math.min(left, this.sliceBytes())
        const mine = this.turn.then(() => this.wait(slice, signal))
        this.turn = mine.catch(() => {})
        await mine
        left -= slice
      }
    } finally {
      this.takers--
    }
  }

  /**
   * The source, to be sent now: what is held is waited for here, before there is a request that could time out; of others every stream that is opened
   * keeps to the rate, and what is only looked at does not. `stop`: ends the waiting; `cut`: ends streams too.
   */
  async limit(source: Source, stop: AbortSignal, cut: AbortSignal): Promise<Source> {
    if (source.whole !== null) {
      await this.take(source.bytes, stop)
      return source
    }
    return {
      bytes: source.bytes,
      whole: null,
      open: (from, to) => this.stream(source.open(from, to), cut),
      look: (from, to) => source.open(from, to),
    }
  }

  /** The stream, kept to the rate; an error of either ends both, and with them the waiting. */
  stream(stream: Readable, signal: AbortSignal): Readable {
    const ended = new AbortController()
    const either = AbortSignal.any([signal, ended.signal])
    const limited: Transform = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.pass(chunk, limited, either).then(() => done(), done)
      },
      destroy: (error, done) => {
        ended.abort(error ?? new Error('the stream was ended'))
        stream.destroy()
        done(error)
      },
    })
    stream.on('error', error => limited.destroy(error))
    return stream.pipe(limited)
  }

  /** The chunk, slice by slice. */
  private async pass(chunk: Buffer, into: Transform, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const slice = chunk.subarray(at, at + this.sliceBytes())
      await this.take(slice.length, signal)
      into.push(slice)
      at += slice.length
    }
  }

  private sliceBytes(): number {
    const { rate } = this
    if (rate === null) return Number.POSITIVE_INFINITY
    return Math.max(1, Math.floor((rate * Math.min(TURN_MS, ROUND_MS / Math.max(1, this.takers))) / 1000))
  }

  private async wait(bytes: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const { rate } = this
      this.bucket = refill(this.bucket, rate, this.since())
      const ms = waitOf(this.bucket, rate)
      if (ms === 0) break
      await sleep(Math.min(Math.ceil(ms), LONGEST_SLEEP_MS), signal)
    }
    this.bucket = spend(this.bucket, bytes)
  }
}
