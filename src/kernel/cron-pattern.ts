const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const LONGEST_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

interface Field {
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

const FIELDS: readonly Field[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 7, names: WEEKDAYS },
]

/** Why it is no cron pattern of five fields with a time that ever comes; null when it is one. */
export function faultInCron(pattern: string): string | null {
  const texts = pattern.trim().split(/\s+/)
  if (texts.length !== FIELDS.length) return 'is not a cron pattern of five fields'
  const values = FIELDS.map((field, index) => valuesOf(texts[index] ?? '', field))
  const bad = values.indexOf(null)
  if (bad !== -1) return `is not a cron pattern: ${texts[bad]} is no ${['minute', 'hour', 'day', 'month', 'weekday'][bad]}`
  const [, , days = [], months = []] = values as number[][]
  const isAnyWeekday = texts[4] === '*'
  const comes = months.some(month => days.some(day => day <= (LONGEST_DAYS[month - 1] ?? 0)))
  return comes || !isAnyWeekday ? null : 'is not a cron pattern: no month has that day'
}

/** The values that a field names; null when it cannot be read, or names one twice. */
function valuesOf(text: string, field: Field): number[] | null {
  const parts = text.split(',').map(part => valuesOfPart(part.toLowerCase(), field))
  const values = parts.flatMap(part => part ?? [])
  return parts.some(part => part === null) || new Set(values).size < values.length ? null : values
}

function valuesOfPart(part: string, { min, max, names }: Field): number[] | null {
  const [, first = '', last, step = '1'] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? []
  const numberOf = (word: string) =>
    /^\d+$/.test(word) ? Number(word) : names.indexOf(word) + (names.includes(word) ? min : -min)
  const from = first === '*' ? min : numberOf(first)
  const to = last !== undefined ? numberOf(last) : first === '*' || part.includes('/') ? max : from
  const isRead = from >= min && to <= max && from <= to && Number(step) > 0 && !(first === '*' && last !== undefined)
  return first !== '' && isRead ? range(from, to, Number(step)) : null
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
}
