/** Draws the charts, and again whenever the page's width or its colours change. The library is above. */
const charts = JSON.parse(document.getElementById('charts').textContent)
/** Of an A4 page between its margins, CSS pixels. */
const PRINT_WIDTH = 660
const drawn = new Map()
const opened = new Set()
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const dark = matchMedia('(prefers-color-scheme: dark)')
const print = matchMedia('print')
let isPrinting = false

/** What the style sheet makes of the class `ink`, in the theme of this moment. */
function colour(ink) {
  const probe = document.createElement('i')
  probe.className = ink
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

function faint(color, part) {
  return color.replace(/^rgb\((.+)\)$/, `rgba($1, ${part})`)
}

function seriesOf({ name, ink, look }) {
  const stroke = colour(ink)
  if (look === 'hidden') return { stroke: 'transparent', width: 0, points: { show: false } }
  if (look === 'points') {
    return {
      label: name,
      stroke,
      width: 0,
      paths: () => null,
      points: { show: true, size: 9, width: 1.5, stroke, fill: faint(stroke, 0.45) },
    }
  }
  return {
    label: name,
    stroke,
    width: 2,
    spanGaps: true,
    points: { show: false },
    ...(look === 'dashed' ? { dash: [6, 5] } : {}),
  }
}

function axisOf({ label, log, ticks, whole }, isX, width) {
  const base = {
    label,
    stroke: colour('text'),
    font: '12px system-ui, sans-serif',
    labelFont: '12px system-ui, sans-serif',
    labelSize: 20,
    size: isX ? 34 : 56,
    grid: { stroke: colour('line'), width: 1, ...(log && ticks === undefined ? { filter: onlyPowers } : {}) },
    ...(whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] } : {}),
    ticks: { stroke: colour('line'), width: 1, size: 5 },
    values: (_, splits) => splits.map(value => (value === null ? '' : compact.format(value))),
  }
  if (ticks === undefined) return base
  const labels = new Map(ticks)
  return {
    ...base,
    splits: (_, _axis, least, most) =>
      apart(
        ticks.map(([value]) => value),
        least,
        most,
        width,
      ),
    filter: (_, splits) => splits,
    values: (_, splits) => splits.map(value => labels.get(value) ?? ''),
  }
}

function onlyPowers(_, splits) {
  return splits.map(value => (Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null))
}

/** Those of a logarithmic axis whose labels do not run into each other. */
function apart(values, least, most, width) {
  const shown = []
  for (const value of values) {
    const place = at => (Math.log(at / least) / Math.log(most / least)) * (width - 80)
    if (value < least || value > most) continue
    if (shown.length === 0 || place(value) - place(shown.at(-1)) > 62) shown.push(value)
  }
  return shown
}

/** The nearest of 1, 2, 5, 10, 20... below, or above. */
function round125(value, isUp) {
  const power = 10 ** Math.floor(Math.log10(value))
  const steps = [1, 2, 5, 10].map(step => step * power)
  return isUp ? steps.find(step => step >= value * 0.9999) : steps.findLast(step => step <= value * 1.0001)
}

function scaleOf({ log, ticks }, isX, values) {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  if (log && ticks !== undefined) return { distr: 3, log: 10, range: () => [least, least === most ? most * 10 : most] }
  if (log) return { distr: 3, log: 10, range: () => [round125(least * 0.9, false), round125(most * 1.1, true)] }
  return isX
    ? { time: false, range: () => (least === most ? [least - 1, most + 1] : [least, most]) }
    : { range: () => [0, (most || 1) * 1.08] }
}

/** Upright lines with their labels, each a line lower than the one before. */
function drawMarks(u, marks) {
  const ratio = uPlot.pxRatio
  const { ctx, bbox } = u
  ctx.save()
  ctx.font = `${12 * ratio}px system-ui, sans-serif`
  ctx.textBaseline = 'top'
  ctx.lineWidth = 1.5 * ratio
  for (const [n, { x, label, ink }] of marks.entries()) {
    const at = Math.round(u.valToPos(x, 'x', true))
    const isRight = at > bbox.left + bbox.width * 0.6
    ctx.strokeStyle = ctx.fillStyle = colour(ink)
    ctx.setLineDash([3 * ratio, 4 * ratio])
    ctx.beginPath()
    ctx.moveTo(at, bbox.top)
    ctx.lineTo(at, bbox.top + bbox.height)
    ctx.stroke()
    ctx.textAlign = isRight ? 'right' : 'left'
    ctx.fillText(label, at + (isRight ? -6 : 6) * ratio, bbox.top + (4 + n * 16) * ratio)
  }
  ctx.restore()
}

/** Nothing is drawn of what a logarithm does not have. */
function drawable(values, { log }) {
  return log ? values.map(value => (value > 0 ? value : null)) : values
}

function draw(chart, width) {
  const place = document.querySelector(`[data-chart="${chart.id}"]`)
  const { xAxis, yAxis, marks, bands } = chart
  const rows = chart.series.map(({ values }) => drawable(values, yAxis))
  const data = [chart.x, ...rows]
  const inside = rows.flat().filter(value => value !== null)
  drawn.get(chart.id)?.destroy()
  const plot = new uPlot(
    {
      width,
      height: isPrinting ? 230 : width < 500 ? 260 : 320,
      padding: [12, 18, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: scaleOf(xAxis, true, chart.x), y: scaleOf(yAxis, false, inside.length > 0 ? inside : [1]) },
      axes: [axisOf(xAxis, true, width), axisOf(yAxis, false, width)],
      series: [{}, ...chart.series.map(seriesOf)],
      bands: bands.map(([upper, lower]) => ({
        series: [upper + 1, lower + 1],
        fill: faint(colour(chart.series[upper].ink), 0.14),
      })),
      hooks: { draw: [u => drawMarks(u, marks)] },
    },
    data,
    place,
  )
  drawn.set(chart.id, plot)
}

function drawAll() {
  for (const chart of charts) {
    const place = document.querySelector(`[data-chart="${chart.id}"]`)
    draw(chart, isPrinting ? PRINT_WIDTH : Math.max(240, place.clientWidth))
  }
}

/** On paper all is light, and nothing is folded. */
function toPaper() {
  if (isPrinting) return
  isPrinting = true
  document.documentElement.dataset.theme = 'light'
  for (const details of document.querySelectorAll('details:not([open])')) {
    details.open = true
    opened.add(details)
  }
  drawAll()
}

function toScreen() {
  if (!isPrinting) return
  isPrinting = false
  delete document.documentElement.dataset.theme
  for (const details of opened) details.open = false
  opened.clear()
  drawAll()
}

let width = 0
new ResizeObserver(([entry]) => {
  const now = Math.round(entry.contentRect.width)
  if (isPrinting || now === width) return
  width = now
  drawAll()
}).observe(document.querySelector('main'))
dark.addEventListener('change', drawAll)
print.addEventListener('change', ({ matches }) => (matches ? toPaper() : toScreen()))
addEventListener('beforeprint', toPaper)
addEventListener('afterprint', toScreen)
if (print.matches) toPaper()
