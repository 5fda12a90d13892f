import type { AlertRow } from './alert-rows.js'
import type { Condition } from './conditions.js'

/** A recovery that could not be told for so long is not told any more. */
const RECOVERY_TRIES_MS = 3_600_000
/** An alert is over when its condition was away for so long: what hovers at a limit is one alert. */
const CALM_MS = 300_000
/** Clocks of machines differ by less. */
const CLOCKS_DIFFER_MS = 60_000

/** What is told of an alert. Times are epoch ms. */
export interface Telling {
  readonly event: 'alert' | 'reminder' | 'recovery'
  readonly name: string
  readonly message: string
  /** Since when the alert stands, or stood. */
  readonly since: number
  readonly at: number
  readonly lastedMs: number
  /** How often the alert has been told, this time included if it is no recovery. */
  readonly told: number
  /** As measured now; null for a recovery. */
  readonly value: number | null
  /** It is not tried again when it reaches nobody. */
  readonly lastTry: boolean
}

/** Since when something is seen: epoch ms, and on the clock that nobody sets. */
interface Since {
  readonly at: number
  readonly elapsed: number
}

/** What was seen in the look before, by name. */
export interface AlertMemory {
  /** Conditions. `at`: since when they are there, which may be known to be longer than they are seen. */
  readonly begun: ReadonlyMap<string, Since>
  /** Alerts that stand without their condition. */
  readonly over: ReadonlyMap<string, Since>
}

export const NOTHING_SEEN: AlertMemory = { begun: new Map(), over: new Map() }

export interface AlertDecision {
  /** What is to be told, each with its row as it is before it is told. */
  readonly tellings: readonly { readonly telling: Telling; readonly row: AlertRow }[]
  readonly memory: AlertMemory
}

/**
 * What to tell after a look. An alert begins when two looks in a row say so, and its condition has lasted for its patience: what lasts for one look
 * is never told. It is over when no look has found the condition for five minutes. `judged`: whether this look could tell of the condition at all;
 * of others nothing changes. `now`: epoch ms; `elapsed`: on the clock that nobody sets.
 */
export function decideAlerts(look: {
  rows: readonly AlertRow[]
  conditions: readonly Condition[]
  judged: (name: string) => boolean
  memory: AlertMemory
  now: number
  elapsed: number
  repeatMs: number
}): AlertDecision {
  const { rows, conditions, judged, memory, now, elapsed } = look
  const names = new Set(conditions.map(condition => condition.name))
  const begun = new Map([...memory.begun].filter(([name]) => !judged(name)))
  const over = new Map<string, Since>()
  const tellings: { telling: Telling; row: AlertRow }[] = []
  for (const condition of conditions) {
    const { name, message, value, patienceMs } = condition
    const known = rows.find(row => row.name === name)
    const first = memory.begun.get(name)
    begun.set(name, first ?? { at: condition.since ?? now, elapsed })
    const isPatient = first === undefined || elapsed - first.elapsed < patienceMs
    const row = known ?? (isPatient ? null : { name, message, since: first.at, toldAt: null, told: 0 })
    if (row === null || isToldLately(row, now, look.repeatMs)) continue
    const event = row.toldAt === null ? 'alert' : 'reminder'
    const lastedMs = Math.max(0, now - row.since)
    const telling: Telling = {
      event,
      name,
      message,
      since: row.since,
      at: now,
      lastedMs,
      told: row.told + 1,
      value,
      lastTry: false,
    }
    tellings.push({ telling, row: { ...row, message } })
  }
  for (const row of rows.filter(({ name }) => !names.has(name))) {
    const first = memory.over.get(row.name)
    if (judged(row.name)) over.set(row.name, first ?? { at: now, elapsed })
    else if (first !== undefined) over.set(row.name, first)
    if (!judged(row.name) || first === undefined) continue
    const calmMs = elapsed - first.elapsed
    if (calmMs >= CALM_MS) tellings.push({ telling: recovery(row, first.at, calmMs, now), row })
  }
  return { tellings, memory: { begun, over } }
}

/** What was told at a time that has not come yet was told before the clock was set back, nobody knows how long ago. */
function isToldLately({ toldAt }: AlertRow, now: number, repeatMs: number): boolean {
  return toldAt !== null && now - toldAt < repeatMs && toldAt - now <= CLOCKS_DIFFER_MS
}

function recovery({ name, message, since, told }: AlertRow, overSince: number, calmMs: number, now: number): Telling {
  const lastedMs = Math.max(0, overSince - since)
  return {
    event: 'recovery',
    name,
    message,
    since,
    at: now,
    lastedMs,
    told,
    value: null,
    lastTry: calmMs >= RECOVERY_TRIES_MS,
  }
}
