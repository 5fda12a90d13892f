import type { Worker } from 'node:cluster'
import { FAILURES, Failure, type FailureCode } from '../../kernel/errors.js'
import type { MetricsPage } from '../metrics.js'
import type { ApiEnd, Leave } from '../server.js'

/** What `getMetricsAsJSON` of prom-client gives. */
export type MetricsJson = readonly { readonly name: string; readonly type: string }[]

/** A failure on its way between processes. */
export type FailureJson = ReturnType<Failure['toJSON']>

/** What a worker tells the process that has forked it. */
export type FromWorker =
  | { readonly is: 'serving'; readonly url: string; readonly drainMs: number }
  | { readonly is: 'refused'; readonly failure: FailureJson }
  | { readonly is: 'metrics'; readonly id: number; readonly metrics: MetricsJson }
  | { readonly is: 'asking-page'; readonly id: number }
  | { readonly is: 'ended'; readonly end: ApiEnd; readonly metrics: MetricsJson }

/** What it is told. */
export type ToWorker =
  | { readonly do: 'leave'; readonly leave: Leave }
  | { readonly do: 'tell-metrics'; readonly id: number }
  | { readonly do: 'take-page'; readonly id: number; readonly page: MetricsPage }

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
