import type { QueueStanding } from '../../watch/overview.js'
import { count, duration } from '../figures.js'
import type { Section } from './arrange.js'
import { type Field, layOut } from './columns.js'
import { sparkline } from './glyphs.js'
import { indexOf, type Look, marked } from './look.js'

/** Cells that the other columns of the overview take, about. */
const BESIDE_TREND = 70
const LEAST_TREND = 8
const MOST_TREND = 60

/** The queues, one line each. `whole` has what the overview has no room for. */
export function queueSection(look: Look, whole: boolean): Section {
  const { overview, style } = look
  const table = layOut(overview.queues, queueFields(look, whole), look.width - 2, style)
  const selected = indexOf(
    overview.queues.map(({ name }) => name),
    look,
  )
  return { ...marked(table, selected, style), least: 1 + overview.queues.length, rank: 0, selected }
}

function queueFields(look: Look, whole: boolean): Field<QueueStanding>[] {
  const { style, overview } = look
  const trend: Field<QueueStanding> = {
    title: 'TREND',
    cell: queue => sparkline(look.rates.get(queue.name) ?? [], trendCells(look, whole)),
    rank: whole ? 7 : 3,
    paint: style.green,
  }
  const more: Field<QueueStanding>[] = [
    { title: 'DELAYED', cell: queue => count(queue.delayed), rank: 4, right: true },
    {
      title: 'MEAN',
      cell: queue => (queue.meanJobMs === null ? '-' : duration(queue.meanJobMs)),
      rank: 5,
      right: true,
      cells: 7,
    },
    { title: 'LAST 5 MIN', cell: recentWords, rank: 6 },
  ]
  return [
    {
      title: 'QUEUE',
      cell: queue => queue.name,
      rank: 0,
      paint: (text, queue) => (queue.paused ? style.yellow(text) : text),
    },
    { title: 'WAITING', cell: queue => count(queue.waiting), rank: 0, right: true, cells: 7 },
    { title: 'ACTIVE', cell: queue => count(queue.active), rank: 0, right: true },
    {
      title: 'FAILED',
      cell: queue => count(queue.failed),
      rank: 0,
      right: true,
      paint: (text, queue) => (queue.failed > 0 ? style.red(text) : text),
    },
    {
      title: 'PER S',
      cell: queue => (queue.paused ? 'paused' : count(queue.processedPerS)),
      rank: 0,
      right: true,
      cells: 6,
      paint: (text, queue) => (queue.paused ? style.yellow(text) : text),
    },
    // A file or a pipe has no end to its lines, and one reading makes no trend.
    ...(Number.isFinite(look.width) ? [trend] : []),
    { title: 'OLDEST', cell: oldestWords, rank: 1, right: true, cells: 9 },
    {
      title: 'WORKERS',
      cell: queue => (overview.driver === 'sync' ? '-' : count(queue.workers)),
      rank: 2,
      right: true,
      paint: (text, queue) => (isLeftAlone(queue, overview.driver) ? style.red(text) : text),
    },
    ...(whole ? more : []),
  ]
}

function trendCells({ width }: Look, whole: boolean): number {
  return Math.min(MOST_TREND, Math.max(LEAST_TREND, width - BESIDE_TREND - (whole ? 40 : 0)))
}

function isLeftAlone(queue: QueueStanding, driver: 'sync' | 'redis'): boolean {
  return driver === 'redis' && queue.workers === 0 && queue.waiting > 0
}

function oldestWords({ waiting, oldestWaitMs }: QueueStanding): string {
  return waiting === 0 && oldestWaitMs === 0 ? '-' : duration(oldestWaitMs)
}

function recentWords({ recent }: QueueStanding): string {
  return `${count(recent.finished)} done, ${count(recent.failed)} failed`
}
