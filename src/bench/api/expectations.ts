import { createHash } from 'node:crypto'
import type { ReadAnswer } from './answer-reader.js'

/** A request as it is sent, and what a right answer to it is. */
export interface Asked {
  /** The request, whole, as latin1. */
  readonly text: string
  readonly status: number
  /** Of the body; null when it may differ. */
  readonly bytes: number | null
  /** Of the body, hex; null when it may differ. */
  readonly sha256: string | null
  /** Whether nothing at all is not right, of whatever length the body may be. */
  readonly isNeverEmpty?: true
}

/** What came back, and what was wrong with it. */
export interface Tally {
  readonly answers: number
  readonly byStatus: Readonly<Record<string, number>>
  /** Answers whose status, length or bytes are not those expected. */
  readonly wrong: number
  /** Bodies that were hashed. */
  readonly hashed: number
  /** Connections that ended while they were used. */
  readonly lost: number
  /** One sentence of each kind; at most five. */
  readonly complaints: readonly string[]
}

const MOST_COMPLAINTS = 5
/** Of so many answers one is hashed. */
const HASH_EVERY = 101

/** Compares answers with what was expected. */
export class Checker {
  private answers = 0
  private wrong = 0
  private hashed = 0
  private lost = 0
  private begun = 0
  private readonly byStatus = new Map<number, number>()
  private readonly complaints = new Set<string>()

  /** Of the answer that begins now. */
  wantsBody({ sha256 }: Asked): boolean {
    return sha256 !== null && this.begun++ % HASH_EVERY === 0
  }

  check(asked: Asked, { status, bytes, body }: ReadAnswer): void {
    this.answers += 1
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1)
    if (body !== null) this.hashed += 1
    if (status !== asked.status) this.complain(`answers with ${status} instead of ${asked.status}`)
    else if (asked.bytes !== null && bytes !== asked.bytes) this.complain(`answers of ${bytes} bytes instead of ${asked.bytes}`)
    else if (asked.isNeverEmpty === true && bytes === 0) this.complain('empty answers')
    else if (asked.sha256 !== null && body !== null && hashOf(body) !== asked.sha256) this.complain('answers with other bytes')
  }

  lose(why: string): void {
    this.lost += 1
    this.note(`connections lost: ${why}`)
  }

  tally(): Tally {
    return {
      answers: this.answers,
      byStatus: Object.fromEntries(this.byStatus),
      wrong: this.wrong,
      hashed: this.hashed,
      lost: this.lost,
      complaints: [...this.complaints],
    }
  }

  private complain(what: string): void {
    this.wrong += 1
    this.note(what)
  }

  private note(what: string): void {
    if (this.complaints.size < MOST_COMPLAINTS) this.complaints.add(what)
  }
}

/** Of several who asked the same. */
export function mergedTally(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0)
  const byStatus: Record<string, number> = {}
  for (const tally of tallies) {
    for (const [status, count] of Object.entries(tally.byStatus)) byStatus[status] = (byStatus[status] ?? 0) + count
  }
  return {
    answers: sum(({ answers }) => answers),
    byStatus,
    wrong: sum(({ wrong }) => wrong),
    hashed: sum(({ hashed }) => hashed),
    lost: sum(({ lost }) => lost),
    complaints: [...new Set(tallies.flatMap(({ complaints }) => complaints))].slice(0, MOST_COMPLAINTS),
  }
}

export function hashOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}
