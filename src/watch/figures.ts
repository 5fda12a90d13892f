import type { WorkerCard } from '../queues/index.js'
import type { Overview, QueueStanding } from './overview.js'

/** A value, with the label that tells it from the others of its name; null where there is one only. */
export type Sample = readonly [label: string | null, value: number]

/** One name under which monitoring finds a figure of an overview, in units of Prometheus: seconds, bytes. */
export interface Figure {
  readonly name: string
  readonly help: string
  readonly label: string | null
  /** None for what there is not. */
  readonly of: (overview: Overview) => readonly Sample[]
}

/** Labels are dear to those who store them: of more workers, the ones that take most memory are told of. */
const MOST_WORKERS = 100

/** Every gauge there is, in the order of the page. */
export const FIGURES: readonly Figure[] = [
  perQueue('queue_waiting', 'Jobs that wait.', queue => queue.waiting),
  perQueue('queue_active', 'Jobs that run.', queue => queue.active),
  perQueue('queue_delayed', 'Jobs that wait for the time of their next attempt.', queue => queue.delayed),
  perQueue('queue_failed', 'Jobs that failed for good, or are in quarantine.', queue => queue.failed),
  perQueue('queue_oldest_wait_seconds', 'How long the job that waits longest has waited.', queue => queue.oldestWaitMs / 1000),
  perQueue('queue_jobs_per_second', 'Jobs that ended per second over the last minute.', queue => queue.processedPerS),
  perQueue('queue_paused', '1 while nobody takes jobs from the queue until it is resumed.', queue => Number(queue.paused)),
  perQueue('workers', 'Worker processes that consume the queue.', queue => queue.workers),
  perWorker('worker_rss_bytes', 'Resident memory of a worker process.', worker => worker.rssBytes),
  perWorker('worker_job_age_seconds', 'How long the oldest job of a worker process has run; 0 without any.', (worker, at) =>
    secondsSince(at, Math.min(at, ...worker.jobs.map(job => job.startedAt))),
  ),
  labelled('supervisor_workers', 'Worker processes that a supervisor has.', 'supervisor', ({ supervisors }) =>
    supervisors.map(card => [processName(card), card.workers]),
  ),
  labelled('supervisor_ceiling', 'Most worker processes that the budgets of a supervisor allow now.', 'supervisor', overview =>
    overview.supervisors.map(card => [processName(card), card.ceiling]),
  ),
  labelled('run_tenants', 'Tenants of the newest run. done: synced or skipped.', 'state', ({ run }) =>
    run === null
      ? []
      : [
          ['waiting', run.finishedAt === null ? run.total - run.running - run.ended : 0],
          ['running', run.finishedAt === null ? run.running : 0],
          ['done', run.ended - run.failed],
          ['failed', run.failed],
        ],
  ),
  single('run_age_seconds', 'How long the newest run has gone on; 0 when it has ended.', ({ at, run }) =>
    run === null || run.finishedAt !== null ? 0 : secondsSince(at, run.startedAt),
  ),
  single(
    'sync_last_success_timestamp_seconds',
    'When a tenant was last synced with success; missing before the first.',
    overview => (overview.tenants.syncedAt === null ? null : overview.tenants.syncedAt / 1000),
  ),
  labelled('tenants', 'Tenants. paused: active, but their jobs are put aside.', 'state', ({ tenants }) =>
    Object.entries({ ...tenants.states, active: tenants.active - tenants.paused, paused: tenants.paused }),
  ),
  single(
    'tenants_failing',
    'Active tenants whose newest sync failed, as a whole or for some feeds.',
    ({ tenants }) => tenants.failing,
  ),
  labelled('sources', 'Sources by state.', 'state', ({ sources }) => [
    ['well', sources.total - sources.failing - sources.retired],
    ['failing', sources.failing],
    ['retired', sources.retired],
  ]),
  single('sources_due', 'Sources that are due to be checked.', ({ sources }) => sources.due),
  labelled('sources_failing', 'Sources whose newest check failed, by why.', 'code', ({ sources }) =>
    sources.failures.map(failure => [failure.code, failure.sources]),
  ),
  labelled('alert', '1 for each alert that stands.', 'name', ({ alerts }) => alerts.map(alert => [alert.name, 1])),
]

function perQueue(name: string, help: string, of: (queue: QueueStanding) => number): Figure {
  return labelled(name, help, 'queue', ({ queues }) => queues.map(queue => [queue.name, of(queue)]))
}

function perWorker(name: string, help: string, of: (worker: WorkerCard, at: number) => number): Figure {
  return labelled(name, `${help} At most ${MOST_WORKERS} of them.`, 'worker', ({ at, workers }) =>
    workers
      .toSorted((a, b) => b.rssBytes - a.rssBytes)
      .slice(0, MOST_WORKERS)
      .map(worker => [processName(worker), of(worker, at)]),
  )
}

function single(name: string, help: string, of: (overview: Overview) => number | null): Figure {
  return labelled(name, help, null, overview => {
    const value = of(overview)
    return value === null ? [] : [[null, value]]
  })
}

function labelled(name: string, help: string, label: string | null, of: Figure['of']): Figure {
  return { name: `feedctl_${name}`, help, label, of }
}

/** Without the token of its id: a process's series ends with the process, and another may take its name. */
function processName({ host, pid }: { readonly host: string; readonly pid: number }): string {
  return `${host}:${pid}`
}

function secondsSince(at: number, then: number): number {
  return Math.max(0, at - then) / 1000
}
