import type { BrokenName } from '../../src/bench/demo/cast.js'
import type { Check, DemoReport, DemoStep, DemoSummary, FailedSource, StepName } from '../../src/bench/demo/steps.js'
import { bytes, count, duration } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { widthOf } from '../../src/cli/width.js'

const MOST_COLUMNS = 80
const INDENT = '  '

const TITLES: Record<StepName, string> = {
  serve: 'A feed server, in a process of its own',
  create: 'Tenants, and what they read',
  sync: 'sync --all',
  again: 'sync --all, once more: no source is due yet',
  forced: 'sync --all --force: every source is asked, due or not',
  publish: 'One publisher publishes',
}

const MEANINGS: Record<BrokenName, string> = {
  'status-404': 'not found: HTTP 404',
  'status-410': 'gone for good: HTTP 410',
  'status-500': 'server error: HTTP 500',
  hang: 'no answer in time',
  html: 'a web page, not a feed',
  'redirect-loop': 'leads back to itself',
  'redirect-private': 'leads to a private address',
  'bomb-gzip': 'unpacks to 256 MB: refused',
}

/** What follows the demo, as typed in the shell. */
export interface NextSteps {
  /** Commands that work on the demo's data. */
  readonly commands: readonly string[]
  /** Settings of the shell that win over the demo's, and have to be unset first. */
  readonly unsetFirst: readonly string[]
}

export function openingText(folder: string, style: Style): string {
  return `${style.bold('feedctl demo')}: the whole system on this machine, offline, in ${folder} only\n`
}

export function titleText(name: StepName, style: Style): string {
  return `\n${style.bold(`${Object.keys(TITLES).indexOf(name) + 1}  ${TITLES[name]}`)}\n`
}

export function stepText(step: DemoStep, style: Style): string {
  const lines = [...factLines(step), ...step.checks.map(check => checkLine(check, style))]
  return [
    ...lines.map((line, index) => (index === 0 ? timed(line, step.durationMs, style) : `${INDENT}${line.painted}\n`)),
    ...(step.name === 'sync' && step.failed.length > 0 ? [failedTable(step.failed, style)] : []),
  ].join('')
}

export function closingText(summary: DemoSummary, folder: string, next: NextSteps, style: Style): string {
  const { checks } = summary
  const held = checks.total - checks.failed
  const verdict = `${held} of ${checks.total} claims held`
  return [
    `\n${style.bold('Summary')}\n`,
    `${INDENT}${count(summary.tenants)} tenants read ${count(summary.feeds)} feeds from ${count(summary.sources)} sources: ${count(summary.requestsSaved)} requests saved\n`,
    `${INDENT}${count(summary.posts)} posts, ${bytes(summary.folderBytes)} on disk in ${folder}\n`,
    `${INDENT}${duration(summary.durationMs)} in all, ${checks.failed === 0 ? style.green(verdict) : style.red(verdict)}\n`,
    `\n${style.bold('Look around')} ${style.dim('(the feed server has ended; what it served is stored)')}\n`,
    ...(next.unsetFirst.length === 0 ? [] : [`${INDENT}unset ${next.unsetFirst.join(' ')}\n`]),
    ...next.commands.map(line => `${INDENT}${line}\n`),
    `${style.bold('Then')} README.md: A tour, Settings, and On MariaDB and Redis\n`,
  ].join('')
}

/** The whole of it, for who did not watch. */
export function storyText(report: DemoReport, folder: string, next: NextSteps, style: Style): string {
  const steps = report.steps.map(step => titleText(step.name, style) + stepText(step, style))
  return [openingText(folder, style), ...steps, closingText(report.summary, folder, next, style)].join('')
}

interface Line {
  readonly plain: string
  readonly painted: string
}

function factLines(step: DemoStep): Line[] {
  return factTexts(step).map(text => ({ plain: text, painted: text }))
}

function factTexts(step: DemoStep): string[] {
  switch (step.name) {
    case 'serve': {
      const { rss, atom, rdf, json } = step.formats
      return [
        `${step.sources} sources on ${step.hosts} loopback addresses`,
        `${rss} RSS, ${atom} Atom, ${json} JSON Feed, ${rdf} RDF; ${step.odd} odd ones, ${step.broken} broken on purpose`,
      ]
    }
    case 'create':
      return [
        `${step.dedicated} with a database of their own, ${step.shared} in one that they share`,
        `${count(step.feeds)} feeds; the best-loved source is read by ${step.mostReaders} of them`,
      ]
    case 'sync': {
      const { feeds, sources, posts } = step.report
      return [
        `${count(posts.new)} posts for ${count(feeds.total)} feeds out of ${bytes(sources.bytes)} from ${sources.distinct} sources`,
      ]
    }
    case 'publish':
      return [`"${step.title}", read by ${step.readers} tenants, has a new edition`]
    default:
      return []
  }
}

function failedTable(failed: readonly FailedSource[], style: Style): string {
  const now = Date.now()
  const nameOf = ({ url }: FailedSource) => new URL(url).pathname.split('/').at(-1) ?? url
  const rows = table(
    failed,
    [
      { title: 'SOURCE', cell: nameOf },
      { title: 'CODE', cell: source => source.code, paint: text => style.yellow(text) },
      { title: 'WHAT IT MEANS', cell: source => meaningOf(nameOf(source)) ?? source.message },
      {
        title: 'NEXT CHECK',
        cell: source => (source.nextCheckAt === null ? 'never' : `in ${duration(source.nextCheckAt - now)}`),
      },
    ],
    { ...style, columns: style.columns - INDENT.length },
  )
  return rows.replaceAll(/^/gm, INDENT).trimEnd().concat('\n')
}

function meaningOf(name: string): string | null {
  return Object.hasOwn(MEANINGS, name) ? MEANINGS[name as BrokenName] : null
}

function checkLine({ claim, holds, evidence }: Check, style: Style): Line {
  const [mark, paint, words] = holds ? ['ok', style.green, claim] : ['NO', style.red, `${claim}: ${evidence}`]
  return { plain: `${mark} ${words}`, painted: `${paint(mark)} ${words}` }
}

/** The time stands at the right edge of what is read easily. */
function timed({ plain, painted }: Line, durationMs: number, style: Style): string {
  const time = duration(durationMs)
  const space = Math.min(style.columns, MOST_COLUMNS) - widthOf(INDENT + plain) - time.length
  return `${INDENT}${painted}${' '.repeat(Math.max(2, space))}${style.dim(time)}\n`
}
