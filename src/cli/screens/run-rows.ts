import type { Scaling, SupervisorCard } from '../../queues/index.js'
import type { RunStanding } from '../../watch/overview.js'
import { count, counted, duration } from '../figures.js'
import { cutToWidth, widthOf } from '../width.js'
import type { Section } from './arrange.js'
import { type Field, layOut } from './columns.js'
import { progressBar } from './glyphs.js'
import { clockWords, type Look, marked, oneLine, since } from './look.js'

const LABEL_CELLS = 12
const LEAST_BAR = 8
const MOST_BAR = 40
const MOST_ALERTS = 3
const MOST_SCALINGS = 50

/** What is to be known in a line each: alerts, the run, the sources, the supervisors. */
export function factSection(look: Look): Section {
  const lines = [...alertLines(look, MOST_ALERTS), runLine(look), sourceLine(look), supervisorLine(look)]
  return { head: null, lines, least: lines.length, rank: 1, selected: null }
}

export function alertSection(look: Look): Section {
  return { head: null, lines: alertLines(look, Number.POSITIVE_INFINITY), least: 1, rank: 0, selected: null }
}

/** The run in all its numbers. */
export function runSection(look: Look): Section {
  const { run } = look.overview
  const lines = run === null ? [runLine(look)] : [runLine(look), ...runDetails(run, look)]
  return { head: null, lines: [...lines, sourceLine(look)], least: lines.length + 1, rank: 0, selected: null }
}

/** The supervisors, and why each has as many workers as it has. */
export function supervisorSections(look: Look): Section[] {
  const { overview, style } = look
  if (overview.supervisors.length === 0) return [{ head: null, lines: [supervisorLine(look)], least: 1, rank: 1, selected: null }]
  const fields: Field<SupervisorCard>[] = [
    { title: 'SUPERVISOR', cell: card => String(card.pid), rank: 0, right: true },
    { title: 'HOST', cell: card => card.host, rank: 2, least: 6 },
    {
      title: 'STATE',
      cell: card => card.state,
      rank: 0,
      cells: 8,
      paint: text => (text === 'working' ? style.green(text) : style.yellow(text)),
    },
    { title: 'WORKERS', cell: card => count(card.workers), rank: 0, right: true },
    { title: 'MIN', cell: card => count(card.min), rank: 0, right: true },
    { title: 'MAX', cell: card => count(card.max), rank: 0, right: true },
    {
      title: 'CEILING',
      cell: card => count(card.ceiling),
      rank: 1,
      right: true,
      paint: (text, card) => (card.ceiling < card.max ? style.yellow(text) : text),
    },
    { title: 'TARGET', cell: card => duration(card.targetWaitS * 1000), rank: 1, right: true },
    { title: 'AGE', cell: card => since(card.startedAt, look), rank: 1, right: true, cells: 8 },
  ]
  const table = marked(layOut(overview.supervisors, fields, look.width - 2, style), null, style)
  return [{ ...table, least: 2, rank: 1, selected: null }, scalingSection(look)]
}

function scalingSection(look: Look): Section {
  const { overview, style } = look
  const scalings = overview.supervisors
    .flatMap(({ pid, scalings: each }) => each.map(scaling => ({ pid, ...scaling })))
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST_SCALINGS)
  if (scalings.length === 0) {
    return { head: null, lines: [style.dim('  the number of workers was not changed yet')], least: 1, rank: 2, selected: null }
  }
  const fields: Field<Scaling & { pid: number }>[] = [
    { title: 'SCALED', cell: scaling => clockWords(scaling.at), rank: 0 },
    { title: 'BY', cell: scaling => String(scaling.pid), rank: 1, right: true },
    { title: 'WORKERS', cell: ({ from, to }) => `${from} → ${to}`, rank: 0, right: true },
    { title: 'WHY', cell: scaling => oneLine(scaling.why), rank: 0, least: 20 },
  ]
  return { ...marked(layOut(scalings, fields, look.width - 2, style), null, style), least: 3, rank: 2, selected: null }
}

function alertLines(look: Look, most: number): string[] {
  const { overview, style } = look
  if (overview.alerts.length === 0) return [line('alerts', 'none', look)]
  const shown = overview.alerts.slice(0, overview.alerts.length > most ? most - 1 : most)
  const lines = shown.map(({ name, message, since: from }) =>
    line('alert', `for ${since(from, look)}: ${oneLine(message)} (${oneLine(name)})`, look, style.red),
  )
  const left = overview.alerts.length - shown.length
  return left === 0 ? lines : [...lines, line('', `and ${counted(left, 'more alert')}`, look, style.red)]
}

function runLine(look: Look): string {
  const { run } = look.overview
  if (run === null) return line('run', 'none yet', look)
  if (run.finishedAt !== null) {
    const took = duration(Math.max(0, run.finishedAt - run.startedAt))
    return line(
      'last run',
      `${counted(run.total, 'tenant')}, ${count(run.failed)} failed, in ${took}, ended ${since(run.finishedAt, look)} ago`,
      look,
    )
  }
  const words = `${count(run.ended)} of ${count(run.total)}, ${count(run.running)} running, ${count(run.failed)} failed, for ${since(run.startedAt, look)}`
  const room = look.width - 2 - LABEL_CELLS - widthOf(words) - 1
  return line('run', `${progressBar(run.ended, run.total, Math.min(MOST_BAR, Math.max(LEAST_BAR, room)))} ${words}`, look)
}

function runDetails(run: RunStanding, look: Look): string[] {
  const begun = `${run.scheduled ? 'begun by the schedule' : 'begun by hand'} at ${new Date(run.startedAt).toISOString()}`
  const left = run.total - run.ended
  const ms = look.overview.at - run.startedAt
  const isMoving = run.finishedAt === null && run.ended > 0 && left > 0 && ms > 0
  const pace = isMoving ? `, ${count((run.ended / ms) * 1000)} tenants/s, about ${duration((left * ms) / run.ended)} left` : ''
  const waiting = line('', `${counted(Math.max(0, left - run.running), 'tenant')} waiting${pace}`, look)
  return [line('run id', oneLine(run.runId), look), line('', begun, look), ...(run.finishedAt === null ? [waiting] : [])]
}

function sourceLine(look: Look): string {
  const { total, due, failing, retired, failures } = look.overview.sources
  const mostly = failures[0] === undefined ? '' : ` (mostly ${oneLine(failures[0].code)})`
  return line(
    'sources',
    `${count(total)}, ${count(due)} due, ${count(failing)} failing${mostly}, ${count(retired)} retired`,
    look,
  )
}

function supervisorLine(look: Look): string {
  const { supervisors, driver } = look.overview
  const [first, ...others] = supervisors
  if (first === undefined) return line('supervisor', driver === 'sync' ? 'none: there are no workers to supervise' : 'none', look)
  const newest = supervisors.flatMap(({ scalings }) => scalings).sort((a, b) => b.at - a.at)[0]
  const why = newest === undefined ? '' : `; ${clockWords(newest.at)} ${newest.from} → ${newest.to}, ${oneLine(newest.why)}`
  const more = others.length === 0 ? '' : `, and ${counted(others.length, 'other')}`
  return line('supervisor', `${counted(first.workers, 'worker')} of ${first.min} to ${first.max}${more}${why}`, look)
}

function line(label: string, words: string, { width, style }: Look, paint = (text: string) => text): string {
  return `  ${style.dim(label.padEnd(LABEL_CELLS))}${paint(cutToWidth(words, width - 2 - LABEL_CELLS))}`
}
