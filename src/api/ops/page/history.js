import { svg } from './elements.js'
import { count } from './figures.js'

const KEPT_MS = 5 * 60_000
const WIDTH = 120
const HEIGHT = 28
const MOST_POINTS = 120

/** Newest last: `[ms, value]`. */
const series = new Map()

/** Remembers a value; null is a gap. */
export function remember(name, at, value) {
  const points = (series.get(name) ?? []).filter(([then]) => then > at - KEPT_MS && then < at)
  points.push([at, value])
  series.set(name, points)
}

/** The last minutes as a line, over the whole width from the beginning. */
export function sparkline(name, what) {
  const points = (series.get(name) ?? []).filter(([, value]) => value !== null)
  const most = Math.max(0, ...points.map(([, value]) => value))
  const last = points.at(-1)?.[1] ?? 0
  const label = `${what} in the last minutes: now ${count(last)}, at most ${count(most)}`
  const line = pathOf(points, most)
  return svg(
    'svg',
    { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    line === null
      ? []
      : [
          svg('path', { class: 'area', d: `${line.d}L${line.right} ${HEIGHT}L${line.left} ${HEIGHT}Z` }),
          svg('path', { class: 'line', d: line.d }),
        ],
  )
}

function pathOf(all, most) {
  const newest = all.at(-1)
  if (newest === undefined) return null
  if (all.length === 1) return pathOf([[newest[0] - 1, newest[1]], newest], most)
  const span = newest[0] - all[0][0]
  const step = Math.ceil(all.length / MOST_POINTS)
  const points = all.filter((_, place) => (all.length - 1 - place) % step === 0)
  const places = points.map(([at, value]) => [
    round(WIDTH - ((newest[0] - at) / span) * WIDTH),
    round(HEIGHT - 2 - (most === 0 ? 0 : (value / most) * (HEIGHT - 5))),
  ])
  return { d: `M${places.map(place => place.join(' ')).join('L')}`, left: places[0][0], right: places.at(-1)[0] }
}

function round(value) {
  return Math.round(value * 10) / 10
}
