import type { Command } from '@commander-js/extra-typings'
import { count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { showControls, widthOf } from '../../src/cli/width.js'
import type { Explanation } from '../../src/feeds/explain.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { tenantNamed } from './tenant.js'

export function registerExplain(feed: Command, io: Io): void {
  const explain = feed
    .command('explain')
    .description('say when a feed is fetched next, and why then')
    .argument('<tenant>')
    .argument('<feed>', 'id or URL')
    .action(async (slug, named) => {
      await using app = await opening(io)
      const [{ explainFeed }, { MOVES_BELIEVED }] = await Promise.all([
        import('../../src/feeds/explain.js'),
        import('../../src/feeds/moves.js'),
      ])
      const now = Date.now()
      const explanation = await explainFeed(app.catalog, await tenantNamed(app, slug), named, now)
      io.print(explanation, (value, style) => words(value, { now, movesBelieved: MOVES_BELIEVED, slug }, style))
    })
  examples(explain, ['feedctl feed explain acme 3', 'feedctl feed explain acme https://example.com/feed.xml --json'])
}

interface Circumstances {
  readonly now: number
  readonly movesBelieved: number
  readonly slug: string
}

function words(explanation: Explanation, circumstances: Circumstances, style: Style): string {
  const { feed, source, next } = explanation
  const facts = factsOf(explanation, circumstances)
  const width = Math.max(...facts.map(([name]) => name.length)) + 2
  const notes = [...source.notices, ...(feed.alert === null ? [] : [feed.alert])]
  const lines = [
    ...wrapped(feed.title ?? source.url, style.columns).map(style.bold),
    ...facts.flatMap(([name, text]) =>
      wrapped(text, style.columns - width).map((line, index) => style.dim((index === 0 ? name : '').padEnd(width)) + line),
    ),
    ...notes.flatMap(({ code, message }) => wrapped(`note: ${message} (${code})`, style.columns).map(style.yellow)),
  ]
  if (next.reasons.length === 0) return lines.join('\n')
  return `${lines.join('\n')}\n\n${reasonsWords(next.reasons, style)}`
}

function factsOf({ feed, source, next }: Explanation, { now, movesBelieved, slug }: Circumstances): [string, string][] {
  const at = (time: number) => `${moment(time)} (${relative(time, now)})`
  const facts: [string, string][] = [
    ['feed', `${feed.id} of ${slug}`],
    ['url', feed.url],
    ['source', stateWords(source, movesBelieved, now)],
  ]
  if (source.url !== feed.url) facts.push(['now at', `${source.url}; the feed follows with the next sync`])
  if (source.checkedAt !== null) facts.push(['checked', `${at(source.checkedAt)}: ${outcomeWords(source)}`])
  if (source.changedAt !== null) facts.push(['changed', at(source.changedAt)])
  facts.push(['next check', nextWords(next, source, now)])
  const validators = [source.etag === null ? [] : 'ETag', source.lastModified === null ? [] : 'Last-Modified'].flat()
  if (source.checkedAt !== null) facts.push(['validators', validators.length === 0 ? 'none' : validators.join(', ')])
  const stored = feed.storedAt === null ? '' : `, stored ${at(feed.storedAt)}`
  facts.push(['posts', `${count(feed.posts)}${stored}${feed.upToDate ? '' : '; the newest version comes with the next sync'}`])
  return facts
}

function stateWords(source: Explanation['source'], movesBelieved: number, now: number): string {
  if (source.state === 'moving') return `moving to ${source.movedTo}, seen ${source.movedCount} of ${movesBelieved} times`
  if (source.state === 'failing' && source.failure !== null) return `failing, ${counted(source.failure.count, 'check')} in a row`
  if (source.state === 'retired' && source.retiredAt !== null)
    return `retired: gone for good, said ${relative(source.retiredAt, now)}; \`feedctl sync --force\` asks again`
  return source.state
}

function outcomeWords({ outcome, failure }: Explanation['source']): string {
  if (failure !== null) return `${failure.message} (${failure.code})`
  return outcome === 'new-version' ? 'a new version' : 'unchanged'
}

function nextWords({ at, due }: Explanation['next'], { state }: Explanation['source'], now: number): string {
  if (at === null) return due ? `due now${state === 'new' ? ': never asked' : ''}` : 'never'
  return due
    ? `due since ${moment(at)} (${relative(at, now)})`
    : `${moment(at)} (${relative(at, now)}), by the first sync from then on`
}

function reasonsWords(reasons: Explanation['next']['reasons'], style: Style): string {
  return table(
    reasons,
    [
      { title: ' ', cell: reason => (reason.decides ? '>' : ' '), paint: text => style.green(text) },
      {
        title: 'REASON',
        cell: reason => reason.code,
        paint: (text, reason) => (reason.decides ? style.green(text) : text),
      },
      {
        title: 'WAIT',
        cell: reason => (reason.ms === 0 ? '-' : `${reason.code === 'jitter' ? '+' : ''}${duration(reason.ms)}`),
        right: true,
      },
      { title: 'WHY', cell: reason => reason.words },
    ],
    style,
  )
}

function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function relative(at: number, now: number): string {
  return at > now ? `in ${duration(at - now)}` : `${duration(now - at)} ago`
}

/** Lines of that many cells at most, control characters shown; a longer word, as a URL, stays whole to be copied. */
function wrapped(text: string, cells: number): string[] {
  const lines: string[] = []
  for (const word of showControls(text).split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`
    if (lines.length === 0 || widthOf(longer) > cells) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}
