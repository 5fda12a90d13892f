import type { FailedJob, QueueName } from '../../queues/index.js'
import type { Section } from './arrange.js'
import { type Field, layOut } from './columns.js'
import { type Look, marked, oneLine, since, tenantWords } from './look.js'

/** The newest failed jobs of one queue. */
export function failureSection(look: Look, queue: QueueName): Section {
  const { style } = look
  const jobs = (look.failed ?? []).filter(job => job.queue === queue)
  if (jobs.length === 0) {
    return { head: null, lines: [style.dim(`  ${wordsOfNone(look, queue)}`)], least: 1, rank: 1, selected: null }
  }
  const fields: Field<FailedJob>[] = [
    { title: 'FAILED', cell: job => `${since(job.failedAt, look)} ago`, rank: 1, right: true, cells: 13 },
    { title: 'TENANT', cell: job => tenantWords(job.tenantId, look), rank: 0, least: 8, cells: 10 },
    { title: 'TRIES', cell: job => String(job.attempts), rank: 3, right: true },
    { title: 'KIND', cell: job => job.fingerprint, rank: 4 },
    { title: '', cell: job => (job.quarantined ? 'quarantined' : ''), rank: 2, paint: style.yellow },
    { title: 'WHY', cell: job => oneLine(job.reason), rank: 0, least: 36 },
  ]
  return { ...marked(layOut(jobs, fields, look.width - 2, style), null, style), least: 3, rank: 1, selected: null }
}

function wordsOfNone({ overview, failed }: Look, queue: QueueName): string {
  if (overview.driver === 'sync') return 'failed tenants: feedctl queue failed'
  return failed === null ? 'reading ...' : `none of the newest failed jobs is of the queue ${queue}`
}
