import type { QueueName } from '../../queues/index.js'

export const VIEWS = ['overview', 'queues', 'workers', 'tenants', 'run'] as const
export type View = (typeof VIEWS)[number]

/** A key, by what it is called: `up`, `tab`, `1`, `q`, `ctrl-c`. */
export type KeyName = string

/** A row that can be selected. */
export type Row =
  | { readonly kind: 'queue'; readonly key: string; readonly queue: QueueName; readonly paused: boolean }
  | { readonly kind: 'tenant'; readonly key: string; readonly tenantId: number; readonly slug: string }
  | { readonly kind: 'worker'; readonly key: string }

/** What a key asks for, outside of the screen. */
export type Deed =
  | { readonly kind: 'leave' }
  | { readonly kind: 'pause' | 'resume'; readonly queue: QueueName }
  | { readonly kind: 'retry'; readonly of: RetryOf }

/** Whose failed jobs are retried. */
export type RetryOf = { readonly queue: QueueName } | { readonly tenantId: number; readonly slug: string }

/** Where the person who looks is. */
export interface Place {
  readonly view: View
  /** Key of the selected row of each view; the first row where it is missing. */
  readonly selected: Readonly<Partial<Record<View, string>>>
  readonly help: boolean
  /** What is asked and not yet answered; null when nothing is. */
  readonly asking: RetryOf | null
}

export const START: Place = { view: 'overview', selected: {}, help: false, asking: null }

/** What the rows of the current view are, and whether there are queues to be handled. */
export interface Ground {
  readonly rows: readonly Row[]
  readonly hasDesk: boolean
}

/** The row that is selected; null where there is none. */
export function selectedRow(place: Place, rows: readonly Row[]): Row | null {
  return rows.find(row => row.key === place.selected[place.view]) ?? rows[0] ?? null
}

/** Where a key leads, and what it asks for. A key that means nothing changes nothing. */
export function press(place: Place, key: KeyName, ground: Ground): { place: Place; deed: Deed | null } {
  if (key === 'ctrl-c') return { place, deed: { kind: 'leave' } }
  if (place.asking !== null) return answer(place, place.asking, key)
  // A key away from the help only closes it, so that nobody does what was not seen.
  if (place.help) return { place: { ...place, help: false }, deed: key === 'q' ? { kind: 'leave' } : null }
  // Not Esc: an arrow key whose bytes come one by one begins with it.
  if (key === 'q') return { place, deed: { kind: 'leave' } }
  if (key === '?') return { place: { ...place, help: true }, deed: null }
  const view = viewOf(place.view, key)
  if (view !== null) return { place: { ...place, view }, deed: null }
  if (key === 'up' || key === 'down') return { place: move(place, ground.rows, key === 'up' ? -1 : 1), deed: null }
  const row = selectedRow(place, ground.rows)
  if (!ground.hasDesk || row === null) return { place, deed: null }
  if (key === 'p' && row.kind === 'queue') return { place, deed: { kind: row.paused ? 'resume' : 'pause', queue: row.queue } }
  if (key === 'r' && row.kind === 'queue') return { place: { ...place, asking: { queue: row.queue } }, deed: null }
  if (key === 'r' && row.kind === 'tenant') {
    return { place: { ...place, asking: { tenantId: row.tenantId, slug: row.slug } }, deed: null }
  }
  return { place, deed: null }
}

function answer(place: Place, asking: RetryOf, key: KeyName): { place: Place; deed: Deed | null } {
  if (key === 'y') return { place: { ...place, asking: null }, deed: { kind: 'retry', of: asking } }
  if (['n', 'q', 'escape', 'enter'].includes(key)) return { place: { ...place, asking: null }, deed: null }
  return { place, deed: null }
}

function viewOf(current: View, key: KeyName): View | null {
  const at = VIEWS.indexOf(current)
  const step = { tab: 1, right: 1, 'shift-tab': -1, left: -1 }[key]
  if (step !== undefined) return VIEWS[(at + step + VIEWS.length) % VIEWS.length] ?? null
  return /^[1-9]$/.test(key) ? (VIEWS[Number(key) - 1] ?? null) : null
}

function move(place: Place, rows: readonly Row[], step: 1 | -1): Place {
  const at = rows.findIndex(row => row.key === selectedRow(place, rows)?.key)
  const to = rows[Math.min(rows.length - 1, Math.max(0, at + step))]
  return to === undefined ? place : { ...place, selected: { ...place.selected, [place.view]: to.key } }
}
