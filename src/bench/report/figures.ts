import { html, type Markup } from './markup.js'

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const NONE = '–'

/** By how a metric's name ends. */
const ENDINGS: readonly (readonly [RegExp, (value: number) => string])[] = [
  [/_bytes$/, bytes],
  [/_per_s(_cold|_warm)?$/, value => `${plain(value)}/s`],
  [/_us$/, value => `${plain(value)} µs`],
  [/_ms$/, value => `${plain(value)} ms`],
  [/_minutes$/, value => `${plain(value)} min`],
  [/_s$/, value => `${plain(value)} s`],
  [/_percent$/, value => `${plain(value)} %`],
]

/** A value as the name of its metric says what it is of. */
export function figure(metric: string, value: number | null): string {
  if (value === null) return NONE
  return (ENDINGS.find(([ending]) => ending.test(metric))?.[1] ?? plain)(value)
}

/** The same as markup that has the exact value too. */
export function exact(metric: string, value: number | null): Markup {
  return value === null ? html`${NONE}` : html`<data value="${value}">${figure(metric, value)}</data>`
}

/** Three digits or more: `0.076`, `1.25`, `12.5`, `31,000`. */
export function plain(value: number): string {
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 1_000) return grouped.format(value)
  if (size >= 100) return trimmed(value, 1)
  return trimmed(value, size >= 1 ? 2 : 3)
}

/** Powers of 1,000. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value))) / 3)))
  return `${power === 0 ? Math.round(value) : (value / 1_000 ** power).toFixed(1)} ${units[power]}`
}

/** `2026-11-30 12:00 UTC`, of an ISO time. */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

/** What a metric is of, in words: the figure itself has the unit. */
export function metricWords(metric: string): string {
  return words(metric.replace(/_(bytes|per_s|us|ms|minutes|s|percent)(?=$|_cold$|_warm$)/, ''))
}

/** `cached_p99` and `feedsPerTenant` as words. */
export function words(name: string): string {
  return name
    .replace(/_/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}
