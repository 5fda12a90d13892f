import { el, say } from './elements.js'

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const FINE = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** How much the server's clock is ahead of the browser's, ms. */
let ahead = 0

export function setNow(iso) {
  ahead = Date.parse(iso) - Date.now()
}

export function count(value) {
  return value < 1_000_000 ? WHOLE.format(value) : COMPACT.format(value)
}

export function counted(value, word) {
  return `${count(value)} ${word}${value === 1 ? '' : 's'}`
}

/** Of a second; what nobody measured says so. */
export function rate(value) {
  if (value === null) return 'not measured'
  return `${value < 10 ? FINE.format(value) : count(value)}/s`
}

export function percent(share) {
  return share === null ? 'not measured' : `${FINE.format(share * 100)} %`
}

export function bytes(value) {
  let rest = value
  let unit = 0
  while (rest >= 1000 && unit < UNITS.length - 1) {
    rest /= 1000
    unit++
  }
  return `${unit === 0 ? WHOLE.format(rest) : FINE.format(rest)} ${UNITS[unit]}`
}

export function duration(ms) {
  if (ms < 1000) return `${WHOLE.format(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${FINE.format(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${WHOLE.format(Math.floor(hours / 24))} days`
}

/** A moment as it is from now, exact when it is pointed at; it goes on by itself. */
export function moment(iso, before = '') {
  if (iso === null) return 'never'
  const time = el('time', { datetime: iso, title: EXACT.format(new Date(iso)), 'data-before': before })
  sayMoment(time)
  return time
}

/** How long ago, going on by itself. */
export function since(iso) {
  const time = el('time', { datetime: iso, title: EXACT.format(new Date(iso)), 'data-span': true })
  sayMoment(time)
  return time
}

export function clock(at) {
  return CLOCK.format(new Date(at))
}

/** Lets all moments of the page go on. */
export function passTime() {
  for (const time of document.querySelectorAll('time')) sayMoment(time)
}

function sayMoment(time) {
  const ms = Date.now() + ahead - Date.parse(time.dateTime)
  const words = roughly(Math.abs(ms))
  if (time.dataset.span !== undefined) say(time, words)
  else if (Math.abs(ms) < 1500) say(time, `${time.dataset.before}now`)
  else say(time, `${time.dataset.before}${ms < 0 ? `in ${words}` : `${words} ago`}`)
}

function roughly(ms) {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`
  return `${WHOLE.format(Math.floor(seconds / 86_400))} days`
}
