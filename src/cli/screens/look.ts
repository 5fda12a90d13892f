import type { FailedJob } from '../../queues/index.js'
import type { Overview } from '../../watch/overview.js'
import { duration } from '../figures.js'
import type { Style } from '../style.js'
import { showControls } from '../width.js'
import type { LaidOut } from './columns.js'
import type { Rates } from './rates.js'

/** What is known at one moment. */
export interface Reading {
  readonly overview: Overview
  /** Slugs by tenant id, of the tenants whose jobs are seen. */
  readonly slugs: ReadonlyMap<number, string>
  /** The newest failed jobs, newest first; null unless they are looked at. */
  readonly failed: readonly FailedJob[] | null
}

/** A reading, and how it is to be shown. */
export interface Look extends Reading {
  readonly rates: Rates
  /** Cells a line may take. */
  readonly width: number
  readonly style: Style
  /** Key of the selected row; null where none can be. */
  readonly selected: string | null
}

/** `acme`; `tenant 12` when nobody knows its slug any more; `-` for what is no tenant's. */
export function tenantWords(id: number | null, { slugs }: Pick<Reading, 'slugs'>): string {
  return id === null ? '-' : (slugs.get(id) ?? `tenant ${id}`)
}

/** Time of day in UTC: `12:03:04`. */
export function clockWords(at: number): string {
  return new Date(at).toISOString().slice(11, 19)
}

/** How long ago, by the clock of the reading; the clocks of other hosts may be ahead. */
export function since(at: number, { overview }: Pick<Reading, 'overview'>): string {
  return duration(Math.max(0, overview.at - at))
}

/** A table with a mark before the selected line. */
export function marked({ head, lines }: LaidOut, selected: number | null, style: Style): { head: string; lines: string[] } {
  return {
    head: `  ${head}`,
    lines: lines.map((line, index) => (index === selected ? `${style.bold('>')} ${line}` : `  ${line}`)),
  }
}

/** Index of the selected row among these keys; null when it is none of them. */
export function indexOf(keys: readonly string[], { selected }: Pick<Look, 'selected'>): number | null {
  const index = selected === null ? -1 : keys.indexOf(selected)
  return index === -1 ? null : index
}

/** Words that come from elsewhere, on one line. */
export function oneLine(text: string): string {
  return showControls(text.replace(/\s+/g, ' '))
}
