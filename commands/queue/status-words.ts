import { bytes, count, counted, duration } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { showControls } from '../../src/cli/width.js'
import type { QueueName, SupervisorCard, WorkerCard } from '../../src/queues/index.js'
import type { QueueOverview, RunStanding, StandingAlert } from '../../src/watch/overview.js'

export interface Health {
  readonly queue: QueueName
  readonly consuming: boolean
  readonly afterMs: number | null
  readonly why: string
}

export function statusWords(overview: QueueOverview, health: readonly Health[] | null, style: Style): string {
  const { at, driver, queues, workers, supervisors, run, alerts } = overview
  return [
    queueRows(queues, style),
    driver === 'sync'
      ? 'no workers: jobs run in the command that begins them (QUEUE_CONNECTION=sync)'
      : workersLine(workers, at, style),
    ...supervisors.map(card => supervisorLine(card, at)),
    ...(run === null ? [] : [runLine(run, at)]),
    ...alerts.map(alert => alertLine(alert, at, style)),
    ...(health ?? []).map(one => healthLine(one, style)),
  ].join('\n')
}

function queueRows(queues: QueueOverview['queues'], style: Style): string {
  const rows = table(
    queues,
    [
      { title: 'QUEUE', cell: queue => queue.name },
      { title: 'WAITING', cell: queue => count(queue.waiting), right: true },
      { title: 'ACTIVE', cell: queue => count(queue.active), right: true },
      { title: 'DELAYED', cell: queue => count(queue.delayed), right: true },
      {
        title: 'FAILED',
        cell: queue => count(queue.failed),
        right: true,
        paint: (text, queue) => (queue.failed > 0 ? style.red(text) : text),
      },
      { title: 'OLDEST', cell: queue => (queue.waiting > 0 ? duration(queue.oldestWaitMs) : null), right: true },
      { title: 'PER S', cell: queue => count(queue.processedPerS), right: true },
      { title: 'WORKERS', cell: queue => count(queue.workers), right: true },
      { title: 'STATE', cell: queue => (queue.paused ? 'paused' : ''), paint: style.yellow },
    ],
    style,
  )
  return rows.trimEnd().replace(/ +$/gm, '')
}

const ASLEEP = { paused: 'paused', full: 'held by a full Redis', draining: 'draining' }

function workersLine(workers: readonly WorkerCard[], at: number, style: Style): string {
  if (workers.length === 0) return style.yellow('no workers: feedctl queue work, or feedctl queue supervise')
  const hosts = new Set(workers.map(card => card.host)).size
  const jobs = workers.flatMap(card => card.jobs)
  const longest = jobs.reduce((most, job) => Math.max(most, at - job.startedAt), 0)
  const asleep = workers.filter(card => card.state !== 'working').map(card => card.state)
  return [
    `${counted(workers.length, 'worker')} on ${counted(hosts, 'machine')}`,
    `${counted(jobs.length, 'job')} under way${jobs.length > 0 ? `, the longest for ${duration(longest)}` : ''}`,
    bytes(workers.reduce((sum, card) => sum + card.rssBytes, 0)),
    ...Object.entries(ASLEEP).flatMap(([state, words]) => {
      const number = asleep.filter(one => one === state).length
      return number > 0 ? [`${number} ${words}`] : []
    }),
  ].join(', ')
}

function supervisorLine(card: SupervisorCard, at: number): string {
  const { host, pid, state, workers, min, max, ceiling, targetWaitS, scalings } = card
  const cut = ceiling < max ? `, ${ceiling} as budgets are` : ''
  const sizes = `${counted(workers, 'worker')} of ${min} to ${max}${cut}, target ${duration(targetWaitS * 1000)}`
  const head = `supervisor ${showControls(host)}:${pid}: ${sizes}${state === 'working' ? '' : `, ${state}`}`
  const [newest] = scalings
  if (newest === undefined) return head
  return `${head}\n  ${duration(Math.max(0, at - newest.at))} ago from ${newest.from} to ${newest.to}: ${showControls(newest.why)}`
}

function runLine({ runId, startedAt, finishedAt, scheduled, total, running, ended, failed }: RunStanding, at: number): string {
  const sums = `${count(ended)} of ${counted(total, 'tenant')} done, ${count(running)} running, ${count(failed)} failed`
  const kind = scheduled ? 'scheduled run' : 'run'
  const when = finishedAt === null ? `for ${duration(Math.max(0, at - startedAt))}` : `ended ${duration(at - finishedAt)} ago`
  return `${kind} ${showControls(runId)}, ${when}: ${sums}`
}

function alertLine({ name, message, since }: StandingAlert, at: number, style: Style): string {
  return style.red(`alert ${showControls(name)} for ${duration(Math.max(0, at - since))}: ${showControls(message)}`)
}

function healthLine({ queue, consuming, afterMs, why }: Health, style: Style): string {
  const after = afterMs === null ? '' : ` after ${duration(afterMs)}`
  return `${queue}: ${consuming ? style.green('consuming') : style.red('not consuming')} (${showControls(why)}${after})`
}
