import type { CardJob, WorkerCard } from '../../queues/index.js'
import { bytes, count } from '../figures.js'
import type { Section } from './arrange.js'
import { type Field, layOut } from './columns.js'
import { indexOf, type Look, marked, since, tenantWords } from './look.js'

/** A worker tells of itself every second. */
const SILENT_AFTER_MS = 5_000

/** The workers, one line each. `whole` has what the overview has no room for. */
export function workerSection(look: Look, whole: boolean): Section {
  const { overview, style } = look
  if (overview.workers.length === 0) {
    const words = overview.driver === 'sync' ? 'no workers: jobs run in the command that begins them' : 'no worker runs'
    return { head: null, lines: [style.dim(`  ${words}`)], least: 1, rank: 1, selected: null }
  }
  const table = layOut(overview.workers, workerFields(look, whole), look.width - 2, style)
  const selected = indexOf(
    overview.workers.map(({ id }) => id),
    look,
  )
  return { ...marked(table, selected, style), least: 3, rank: 2, selected }
}

/** The jobs of one worker, the longest at work first. */
export function workerJobsSection(worker: WorkerCard, look: Look): Section {
  const fields: Field<CardJob>[] = [
    { title: `JOBS OF ${worker.pid}`, cell: job => job.name, rank: 0, least: 8, cells: 20 },
    { title: 'QUEUE', cell: job => job.queue, rank: 1, cells: 11 },
    { title: 'TENANT', cell: job => tenantWords(job.tenantId, look), rank: 0, least: 8, cells: 12 },
    { title: 'FOR', cell: job => since(job.startedAt, look), rank: 0, right: true, cells: 9 },
  ]
  const jobs = longestFirst(worker.jobs)
  if (jobs.length === 0) {
    return { head: null, lines: [look.style.dim(`  ${worker.pid} has no job`)], least: 1, rank: 1, selected: null }
  }
  return { ...marked(layOut(jobs, fields, look.width - 2, look.style), null, look.style), least: 3, rank: 1, selected: null }
}

function workerFields(look: Look, whole: boolean): Field<WorkerCard>[] {
  const { style } = look
  const sum = (worker: WorkerCard, of: 'finished' | 'failed' | 'perS' | 'slots') =>
    worker.queues.reduce((total, queue) => total + queue[of], 0)
  const more: Field<WorkerCard>[] = [
    { title: 'DONE', cell: worker => count(sum(worker, 'finished')), rank: 5, right: true, cells: 6 },
    { title: 'FAILED', cell: worker => count(sum(worker, 'failed')), rank: 5, right: true },
    { title: 'QUEUES', cell: worker => worker.queues.map(({ name }) => name).join(' '), rank: 6, least: 10 },
    { title: 'SUPERVISOR', cell: worker => supervisorWords(worker), rank: 7, right: true },
  ]
  return [
    { title: 'WORKER', cell: worker => String(worker.pid), rank: 0, right: true, cells: 7 },
    { title: 'HOST', cell: worker => worker.host, rank: 4, least: 6 },
    {
      title: 'STATE',
      cell: worker => stateWords(worker, look),
      rank: 0,
      cells: 8,
      paint: text => (text === 'working' ? style.green(text) : style.yellow(text)),
    },
    { title: 'MEMORY', cell: worker => bytes(worker.rssBytes), rank: 1, right: true, cells: 8 },
    { title: 'AGE', cell: worker => since(worker.startedAt, look), rank: 2, right: true, cells: 8 },
    {
      title: 'BUSY',
      cell: worker => `${count(worker.jobs.length)}/${count(sum(worker, 'slots'))}`,
      rank: 1,
      right: true,
      cells: 5,
    },
    { title: 'PER S', cell: worker => count(sum(worker, 'perS')), rank: 3, right: true },
    ...(whole ? more : []),
    { title: 'LONGEST JOB', cell: worker => jobWords(worker, look), rank: 0, least: whole ? 20 : 26 },
  ]
}

function stateWords(worker: WorkerCard, { overview }: Look): string {
  return overview.at - worker.seenAt > SILENT_AFTER_MS ? 'silent' : worker.state
}

/** `3.2 s acme SyncTenantFeeds` */
function jobWords({ jobs }: WorkerCard, look: Look): string {
  const [longest] = longestFirst(jobs)
  if (longest === undefined) return '-'
  const of = longest.tenantId === null ? longest.name : `${tenantWords(longest.tenantId, look)} ${longest.name}`
  return `${since(longest.startedAt, look)} ${of}`
}

/** The pid in `host:pid:token`. */
function supervisorWords({ supervisor }: WorkerCard): string {
  return supervisor === null ? '-' : (supervisor.split(':').at(-2) ?? supervisor)
}

function longestFirst(jobs: readonly CardJob[]): CardJob[] {
  return [...jobs].sort((a, b) => a.startedAt - b.startedAt)
}
