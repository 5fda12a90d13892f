import type { HighestRate } from '../../src/bench/rate/highest.js'
import type { Machine } from '../../src/bench/sync/machine.js'
import type { Row } from '../../src/bench/sync/rows.js'
import { bytes, count } from '../../src/cli/figures.js'

/** A value as the name of its metric says what it is of. */
export function shownFigure({ metric }: Pick<Row, 'metric'>, value: number | null): string {
  if (value === null) return '-'
  if (metric.endsWith('_bytes')) return bytes(Math.round(value))
  return value >= 1_000 ? count(Math.round(value)) : value.toFixed(2)
}

export function machineText({ cpus, cpuModel, memoryBytes, node, os }: Machine): string {
  return `${count(cpus)} x ${cpuModel}, ${bytes(memoryBytes)}, Node ${node}, ${os}; load generators and databases on it too`
}

export function driversText({ drivers }: Machine): string {
  return `${drivers.db}, cache ${drivers.cache}, queue ${drivers.queue}`
}

/** What kept the highest rate from being higher; nothing where it was not searched. */
export function highestText(highest: HighestRate | null): string[] {
  if (highest === null) return []
  const { highestPerS, missedPerS, limit, why, goalMs } = highest
  const many = highestPerS === null ? `fewer than ${count(missedPerS ?? 0)}` : count(highestPerS)
  const rate =
    highestPerS === null && limit !== 'server'
      ? `no rate was seen to keep to a p99 of ${goalMs} ms`
      : `${many} per second keep to a p99 of ${goalMs} ms`
  return [`${rate}; the limit is ${LIMITS[limit]}: ${why}`]
}

const LIMITS = {
  server: 'the server',
  generator: 'the load generator, not the server',
  connections: 'the number of connections, not the server',
  cap: 'the search',
} as const
