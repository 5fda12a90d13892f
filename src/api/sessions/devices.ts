import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kernel/clock.js'

/** Browsers keep no cookie for more than 400 days. */
const KEPT_MS = 180 * 86_400_000

/** What a browser keeps to be known again. */
export interface Device {
  readonly id: string
  /** For its cookie; opens nothing. */
  readonly mark: string
  /** Epoch ms. */
  readonly endsAt: number
}

/** Browsers in which the operator has logged in. Nothing is kept of them here: what they keep is signed, and another password makes all of them unknown. */
export class Devices {
  /** `hash`: the setting, which nobody knows who does not have the settings. */
  constructor(
    private readonly hash: string,
    private readonly now: Clock = Date.now,
  ) {}

  /** Known for so long from now on; a new one without an id. */
  mark(id: string = randomBytes(16).toString('base64url')): Device {
    const endsAt = this.now() + KEPT_MS
    const words = `${id}.${endsAt}`
    return { id, endsAt, mark: `${words}.${this.sign(words)}` }
  }

  /** Null when it is no mark of ours, or none any more. */
  idOf(mark: string | undefined): string | null {
    const [, words = '', id = '', endsAt, signature = ''] = /^(([\w-]{22})\.(\d{1,15}))\.([\w-]{43})$/.exec(mark ?? '') ?? []
    const expected = Buffer.from(this.sign(words))
    const given = Buffer.from(signature)
    const isOurs = given.length === expected.length && timingSafeEqual(given, expected)
    return isOurs && Number(endsAt) > this.now() ? id : null
  }

  private sign(words: string): string {
    return createHmac('sha256', this.hash).update(`device ${words}`).digest('base64url')
  }
}
