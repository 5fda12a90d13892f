import { parsePattern } from './pattern.js'

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/**
 * The same times as systemd writes them, one or two `OnCalendar=` values: a cron pattern that names days of the month and of the week means
 * either, systemd both. @throws {Failure} CONFIG_INVALID
 */
export function onCalendar(pattern: string): string[] {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parsePattern(pattern, 0).fields
  const time = `${values(hour, 24, 0)}:${values(minute, 60, 0)}:00 UTC`
  const date = (days: string) => `*-${values(month, 12, 1)}-${days} ${time}`
  const onDays = date(values(dayOfMonth, 31, 1))
  if (dayOfWeek.isWildcard) return [onDays]
  const weekdays = [...new Set(numbers(dayOfWeek).map(day => day % 7))]
  const onWeekdays = `${weekdays.map(day => WEEKDAYS[day]).join(',')} ${date('*')}`
  return dayOfMonth.isWildcard ? [onWeekdays] : [onDays, onWeekdays]
}

function values(field: { readonly values: readonly unknown[] }, all: number, first: number): string {
  const chosen = numbers(field).filter(value => value >= first)
  return chosen.length === all ? '*' : chosen.map(value => String(value).padStart(2, '0')).join(',')
}

function numbers(field: { readonly values: readonly unknown[] }): number[] {
  return field.values.map(Number)
}
