import { count, counted } from '../figures.js'
import type { Style } from '../style.js'
import { cutToWidth, widthOf } from '../width.js'
import { arrange } from './arrange.js'
import { toAscii } from './glyphs.js'
import { helpLines } from './help-lines.js'
import { type Place, type RetryOf, selectedRow, VIEWS } from './keys.js'
import { clockWords, oneLine, type Reading } from './look.js'
import type { Rates } from './rates.js'
import { rowsOf, sectionsOf } from './views.js'

/** Everything a page is made of. */
export interface Sight {
  /** Null before the first reading. */
  readonly reading: Reading | null
  readonly rates: Rates
  /** Words of the failure of the newest reading; null when it went well. */
  readonly failure: string | null
  /** What the newest deed led to; null when there is nothing to tell. */
  readonly notice: string | null
  readonly place: Place
  /** Whether there are queues to be handled. */
  readonly hasDesk: boolean
}

/** The terminal a page is for. */
export interface Surface {
  readonly columns: number
  readonly rows: number
  readonly style: Style
  readonly unicode: boolean
}

const LEAST_COLUMNS = 60
const LEAST_ROWS = 10
/** Lines above and below the body: the title, the views, a line for what went wrong; the keys. */
const AROUND = 4

/** At most as many lines as the terminal has rows, each narrower than it: the last cell of a line is never written, where terminals differ. */
export function pageLines(sight: Sight, surface: Surface): string[] {
  const { columns, rows, unicode } = surface
  const lines =
    columns < LEAST_COLUMNS || rows < LEAST_ROWS
      ? [cutToWidth(`too small: ${columns}x${rows}, and ${LEAST_COLUMNS}x${LEAST_ROWS} is needed`, columns - 1)]
      : wholePage(sight, surface)
  return unicode ? lines : lines.map(toAscii)
}

function wholePage(sight: Sight, { columns, rows, style }: Surface): string[] {
  const width = columns - 2
  const room = rows - AROUND
  const body = bodyLines(sight, room, width, style)
  const blank = Array.from({ length: Math.max(0, room - body.length) }, () => '')
  const lines = [
    title(sight, width, style),
    tabs(sight.place, style),
    troubles(sight, width, style),
    ...body,
    ...blank,
    footer(sight, width, style),
  ]
  return lines.map(line => (line === '' ? '' : ` ${line}`))
}

function bodyLines(sight: Sight, room: number, width: number, style: Style): string[] {
  if (sight.place.help)
    return helpLines()
      .slice(0, room)
      .map(line => cutToWidth(line, width))
  if (sight.reading === null) return sight.failure === null ? [style.dim('  reading ...')] : []
  return arrange(sectionsOf(sight.place, { ...sight.reading, rates: sight.rates, width, style }), room)
}

function title({ reading }: Sight, width: number, style: Style): string {
  const name = 'feedctl top'
  if (reading === null) return style.bold(name)
  const { driver, tenants, workers, alerts, at } = reading.overview
  const time = `${clockWords(at)} UTC`
  const paused = tenants.paused === 0 ? '' : `, ${count(tenants.paused)} paused`
  const fleet = driver === 'sync' ? 'embedded' : counted(workers.length, 'worker')
  const alarm = alerts.length === 0 ? '' : `  ${counted(alerts.length, 'alert')}`
  const room = width - widthOf(name) - widthOf(alarm) - widthOf(time) - 4
  const words = cutToWidth(`${counted(tenants.active, 'tenant')}${paused} · ${fleet}`, room)
  const space = ' '.repeat(Math.max(0, room - widthOf(words)))
  return `${style.bold(name)}  ${words}${style.red(alarm)}${space}  ${style.dim(time)}`
}

function tabs({ view }: Place, style: Style): string {
  return VIEWS.map((name, index) =>
    name === view ? style.bold(`[${index + 1} ${name}]`) : style.dim(` ${index + 1} ${name} `),
  ).join(' ')
}

function troubles({ failure, reading }: Sight, width: number, style: Style): string {
  if (failure === null) return ''
  const tail = reading === null ? '; trying again' : `; as of ${clockWords(reading.overview.at)}`
  return style.red(`${cutToWidth(`! ${oneLine(failure)}`, width - widthOf(tail))}${tail}`)
}

function footer(sight: Sight, width: number, style: Style): string {
  const { place, notice } = sight
  if (place.asking !== null) return style.yellow(cutToWidth(question(place.asking), width))
  if (notice !== null) return style.yellow(cutToWidth(oneLine(notice), width))
  if (place.help) return style.dim('any key back  q quit')
  return style.dim(['Tab view', ...rowKeys(sight), '? help', 'q quit'].join('  '))
}

/** The keys that do something with the selected row. */
function rowKeys({ place, reading, hasDesk }: Sight): string[] {
  const rows = reading === null ? [] : rowsOf(place.view, reading.overview)
  const row = selectedRow(place, rows)
  if (row === null) return []
  if (!hasDesk || row.kind === 'worker') return ['↑↓ select']
  return ['↑↓ select', ...(row.kind === 'queue' ? [row.paused ? 'p resume' : 'p pause'] : []), 'r retry']
}

function question(of: RetryOf): string {
  const whose = 'queue' in of ? `the queue ${of.queue}` : `the tenant ${of.slug}`
  return `retry the failed jobs of ${whose}? y/n`
}
