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
