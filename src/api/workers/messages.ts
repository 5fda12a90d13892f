import type { Worker } from 'node:cluster'
import { FAILURES, Failure, type FailureCode } from '../../kernel/errors.js'
import type { MetricsJson, MetricsPage } from '../metrics.js'
import type { ApiEnd, Leave } from '../server.js'

/** A failure on its way between processes. */
export type FailureJson = ReturnType<Failure['toJSON']>

/** What a process tells of itself: all its figures, or those that rates are told from. */
export type MetricsPart = 'all' | 'counted'

/** What a worker tells the process that has forked it. */
export type FromWorker =
  | { readonly is: 'serving'; readonly url: string; readonly drainMs: number }
  | { readonly is: 'refused'; readonly failure: FailureJson }
  | { readonly is: 'metrics'; readonly id: number; readonly metrics: MetricsJson }
  | { readonly is: 'asking-page'; readonly id: number }
  | { readonly is: 'asking-counted'; readonly id: number }
  | { readonly is: 'alive' }
  | { readonly is: 'ended'; readonly end: ApiEnd; readonly metrics: MetricsJson }

/** What it is told. */
export type ToWorker =
  | { readonly do: 'leave'; readonly leave: Leave }
  | { readonly do: 'say-alive' }
  | { readonly do: 'tell-metrics'; readonly id: number; readonly part: MetricsPart }
  | { readonly do: 'take-page'; readonly id: number; readonly page: MetricsPage }
  | { readonly do: 'take-counted'; readonly id: number; readonly counted: MetricsJson }

/** Calm when the other end has gone. */
export function tell(worker: Worker, message: ToWorker | FromWorker): void {
  if (worker.isConnected()) worker.send(message, () => {})
}

export function isToWorker(message: unknown): message is ToWorker {
  return typeof message === 'object' && message !== null && 'do' in message
}

export function isFromWorker(message: unknown): message is FromWorker {
  return typeof message === 'object' && message !== null && 'is' in message
}

export function failureOf({ code, message, hint }: FailureJson): Failure {
  const known: FailureCode = code in FAILURES ? code : 'UNAVAILABLE'
  return new Failure(known, message, hint === null ? {} : { hint })
}
