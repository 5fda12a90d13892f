import type { QueueName } from '../../queues/index.js'
import type { Overview } from '../../watch/overview.js'

/** Jobs per second of each queue at the newest readings, oldest first. */
export type Rates = ReadonlyMap<QueueName, readonly number[]>

const MOST_READINGS = 200

/** The rates with those of one more reading; the oldest go. */
export function withReading(rates: Rates, { queues }: Pick<Overview, 'queues'>): Rates {
  return new Map(
    queues.map(({ name, processedPerS }) => [name, [...(rates.get(name) ?? []).slice(1 - MOST_READINGS), processedPerS]]),
  )
}
