import type { TenantStanding } from '../../watch/overview.js'
import { count, duration } from '../figures.js'
import { widthOf } from '../width.js'
import type { Section } from './arrange.js'
import { type Field, layOut } from './columns.js'
import { indexOf, type Look, marked, since } from './look.js'

/** Keys of the rows: a tenant may be slow and fail. */
export const slowKey = ({ id }: TenantStanding) => `slow:${id}`
export const failingKey = ({ id }: TenantStanding) => `failing:${id}`

/** The slowest and the most failing tenants. */
export function tenantSections(look: Look): Section[] {
  const { slowest, mostFailing } = look.overview.tenants
  return [
    section(mostFailing, failingFields('MOST FAILING', look), failingKey, 'no tenant fails', look),
    section(slowest, slowFields('SLOWEST', look), slowKey, 'no tenant was synced yet', look),
  ]
}

/** Both side by side, where there is no room for more. */
export function tenantsBeside(look: Look): Section {
  const { slowest, mostFailing } = look.overview.tenants
  const gap = 3
  const half = Math.floor((look.width - 2 - gap) / 2)
  const left = layOut(slowest, slowFields('SLOWEST', look), half, look.style)
  const right = layOut(mostFailing, failingFields('MOST FAILING', look), half, look.style)
  const none = look.style.dim('none')
  const lefts = left.lines.length === 0 ? [none.padEnd(none.length + left.cells - widthOf('none'))] : left.lines
  const rights = right.lines.length === 0 ? [none] : right.lines
  const space = ' '.repeat(left.cells)
  const lines = Array.from(
    { length: Math.max(lefts.length, rights.length) },
    (_, index) => `  ${lefts[index] ?? space}${' '.repeat(gap)}${rights[index] ?? ''}`,
  )
  return { head: `  ${left.head}${' '.repeat(gap)}${right.head}`, lines, least: 3, rank: 3, selected: null }
}

function section(
  tenants: readonly TenantStanding[],
  fields: Field<TenantStanding>[],
  keyOf: (tenant: TenantStanding) => string,
  none: string,
  look: Look,
): Section {
  if (tenants.length === 0) return { head: null, lines: [look.style.dim(`  ${none}`)], least: 1, rank: 0, selected: null }
  const selected = indexOf(tenants.map(keyOf), look)
  const table = layOut(tenants, fields, look.width - 2, look.style)
  return { ...marked(table, selected, look.style), least: 3, rank: selected === null ? 1 : 0, selected }
}

function slowFields(title: string, look: Look): Field<TenantStanding>[] {
  return [
    name(title, look),
    { title: 'TOOK', cell: tenant => (tenant.syncMs === null ? '-' : duration(tenant.syncMs)), rank: 0, right: true, cells: 7 },
    ago(look),
  ]
}

function failingFields(title: string, look: Look): Field<TenantStanding>[] {
  const red = (text: string) => (text === '0' ? text : look.style.red(text))
  return [
    name(title, look),
    { title: 'IN A ROW', cell: tenant => count(tenant.syncFailures), rank: 0, right: true, paint: red },
    { title: 'FEEDS', cell: tenant => count(tenant.feedsFailed), rank: 0, right: true, paint: red },
    ago(look),
  ]
}

function name(title: string, { style }: Look): Field<TenantStanding> {
  return {
    title,
    cell: ({ slug, paused }) => (paused ? `${slug} (paused)` : slug),
    rank: 0,
    least: 8,
    cells: 12,
    paint: (text, { paused }) => (paused ? style.yellow(text) : text),
  }
}

function ago(look: Look): Field<TenantStanding> {
  return {
    title: 'SYNCED',
    cell: ({ syncedAt }) => (syncedAt === null ? 'never' : `${since(syncedAt, look)} ago`),
    rank: 2,
    right: true,
    cells: 13,
  }
}
