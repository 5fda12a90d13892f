import type { TenantTables } from '../tenants/tables.js'
import { VISITORS_ERROR_PERCENT } from './hyperloglog.js'
import { dayText, minuteText, type ReportGroup, type ReportQuery } from './report-query.js'
import { visitorsBy } from './visitor-sums.js'

/** One line of a report. What it is about is in the field that the grouping names. */
export interface ReportRow {
  readonly day?: string
  readonly minute?: string
  readonly kind?: string
  /** 0 for events of no post. */
  readonly post_id?: number
  /** Null for a post that is gone, and for none. */
  readonly title?: string | null
  readonly events: number
  /** Different visitors, about; null where they are not counted: per minute. */
  readonly visitors: number | null
}

/** What was counted, as the command and the API show it. */
export interface AnalyticsReport {
  readonly from: string
  readonly to: string
  readonly by: ReportGroup
  readonly rows: readonly ReportRow[]
  /** Of everything that was asked for, not only of what is shown. */
  readonly total: { readonly events: number; readonly visitors: number | null }
  /** Standard error of every number of visitors. */
  readonly visitors_error_percent: number
}

export async function reportOf(tables: TenantTables, query: ReportQuery): Promise<AnalyticsReport> {
  const show = query.by === 'minute' ? minuteText : dayText
  const answer = query.by === 'minute' ? await byMinute(tables, query) : await byDays(tables, query)
  return { from: show(query.from), to: show(query.to), by: query.by, ...answer, visitors_error_percent: VISITORS_ERROR_PERCENT }
}

type Answer = Pick<AnalyticsReport, 'rows' | 'total'>

async function byMinute(tables: TenantTables, { from, to, post, kind }: ReportQuery): Promise<Answer> {
  let counts = tables.eventCounts().where('minute', '>=', from).where('minute', '<=', to)
  if (post !== null) counts = counts.where('post_id', '=', post)
  if (kind !== null) counts = counts.where('kind', '=', kind)
  const found = await counts
    .select(eb => ['minute', eb.fn.sum<number | string>('events').as('sum')])
    .groupBy('minute')
    .execute()
  const sums = new Map(found.map(row => [row.minute, Number(row.sum)]))
  const rows = span(from, to).map(minute => ({ minute: minuteText(minute), events: sums.get(minute) ?? 0, visitors: null }))
  return { rows, total: { events: sumOf([...sums.values()]), visitors: null } }
}

async function byDays(tables: TenantTables, query: ReportQuery): Promise<Answer> {
  const { from, to, post, by } = query
  const visitors = await visitorsBy(tables, query, by === 'kind' ? 'kind' : 'day', post === null ? 'all' : [post])
  const kinds = await eventsBy(tables, query, 'kind', null)
  const total = { events: sumOf(kinds.map(row => row.events)), visitors: visitors.total() }
  if (by === 'kind') {
    return { rows: kinds.map(({ key, events }) => ({ kind: String(key), events, visitors: visitors.of(key) })), total }
  }
  if (by === 'post') return { rows: await topPosts(tables, query), total }
  const sums = new Map((await eventsBy(tables, query, 'day', null)).map(row => [row.key, row.events]))
  const rows = span(from, to).map(day => ({ day: dayText(day), events: sums.get(day) ?? 0, visitors: visitors.of(day) }))
  return { rows, total }
}

async function topPosts(tables: TenantTables, query: ReportQuery): Promise<ReportRow[]> {
  const top = await eventsBy(tables, query, 'post_id', query.limit)
  const ids = top.map(row => Number(row.key))
  if (ids.length === 0) return []
  const [seen, posts] = await Promise.all([
    visitorsBy(tables, query, 'post_id', ids),
    tables.posts().select(['id', 'title']).where('id', 'in', ids).execute(),
  ])
  const titles = new Map(posts.map(post => [post.id, post.title]))
  return ids.map((id, index) => ({
    post_id: id,
    title: titles.get(id) ?? null,
    events: top[index]?.events ?? 0,
    visitors: seen.of(id),
  }))
}

/** The most events first; of as many the lowest key. */
async function eventsBy(
  tables: TenantTables,
  { from, to, post, kind }: ReportQuery,
  column: 'day' | 'kind' | 'post_id',
  limit: number | null,
): Promise<{ key: number | string; events: number }[]> {
  let counts = tables.eventDays().where('day', '>=', from).where('day', '<=', to)
  if (post !== null) counts = counts.where('post_id', '=', post)
  if (kind !== null) counts = counts.where('kind', '=', kind)
  let sums = counts
    .select(eb => [`${column} as key` as const, eb.fn.sum<number | string>('events').as('sum')])
    .groupBy(column)
    .orderBy('sum', 'desc')
    .orderBy(column)
  if (limit !== null) sums = sums.limit(limit)
  return (await sums.execute()).map(row => ({ key: row.key, events: Number(row.sum) }))
}

function span(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
