import type { Clock } from '../kernel/clock.js'
import type { Condition } from './conditions.js'

/** What may be away, and the name of the alert about it. */
export const QUEUES_AWAY = 'queue-unreachable'
export const CATALOG_AWAY = 'catalog-unreachable'

const PATIENCE_MS = 60_000
const WORDS = { [QUEUES_AWAY]: 'the queues cannot be reached', [CATALOG_AWAY]: 'the catalog cannot be read' } as const

export type Absent = keyof typeof WORDS

/** Since when there was no answer, over all the looks. What is away for less than a minute is left alone. */
export class Absences {
  private readonly since = new Map<Absent, { begun: number; why: string }>()

  constructor(private readonly elapsed: Clock) {}

  /** `why`: null when it answered. */
  note(name: Absent, why: string | null): void {
    if (why === null) this.since.delete(name)
    else this.since.set(name, { begun: this.since.get(name)?.begun ?? this.elapsed(), why })
  }

  conditions(now: number): Condition[] {
    const elapsed = this.elapsed()
    return [...this.since]
      .filter(([, { begun }]) => elapsed - begun >= PATIENCE_MS)
      .map(([name, { begun, why }]) => {
        const value = Math.floor((elapsed - begun) / 1000)
        return { name, message: `${WORDS[name]} for ${value} s: ${why}`, value, since: now - (elapsed - begun), patienceMs: 0 }
      })
  }
}

export function isAbsence(name: string): name is Absent {
  return name in WORDS
}
