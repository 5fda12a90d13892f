import { widthOf } from '../width.js'

const LEVELS = '▁▂▃▄▅▆▇█'
const ASCII: Readonly<Record<string, string>> = {
  '▁': '_',
  '▂': '.',
  '▃': ':',
  '▄': '-',
  '▅': '=',
  '▆': '+',
  '▇': '*',
  '█': '#',
  '░': '.',
  '…': '~',
  '·': '-',
  '↑': '^',
  '↓': 'v',
  '→': '>',
}
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * The newest values, one cell each, the newest at the right, the greatest of them the highest. Only 0 is the lowest level, so that
 * little is not taken for nothing. Fewer values than cells leave the left empty.
 */
export function sparkline(values: readonly number[], cells: number): string {
  const shown = cells > 0 ? values.slice(-cells).map(value => (value > 0 ? value : 0)) : []
  const most = Math.max(...shown, 0)
  const levels = shown.map(value => LEVELS[value === 0 ? 0 : Math.ceil((value / most) * (LEVELS.length - 1))])
  return levels.join('').padStart(cells)
}

/** Full only when all is done, and never empty once something is. A total of 0 is empty. */
export function progressBar(done: number, total: number, cells: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 0
  const full = share === 0 ? 0 : Math.max(1, Math.floor(share * cells))
  return '█'.repeat(full) + '░'.repeat(cells - full)
}

/** The text as a terminal shows it that knows nothing but ASCII, as wide as before; paint stays. */
export function toAscii(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape begins the paint, which stays
  if (/^[\x1b\x20-\x7e]*$/.test(text)) return text
  return [...graphemes.segment(text)]
    .map(({ segment }) => (segment.length === 1 && segment <= '~' ? segment : (ASCII[segment] ?? '?'.repeat(widthOf(segment)))))
    .join('')
}
