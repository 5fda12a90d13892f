/** What is drawn of a scale. */
export interface Axis {
  readonly label: string
  readonly log?: true
  /** There is nothing between whole numbers. */
  readonly whole?: true
  /** Labels in place of the values at them; with them there are no others. */
  readonly ticks?: readonly (readonly [value: number, label: string])[]
}

/** A part of the palette, which has a light and a dark colour for each. */
export type Ink = 'c1' | 'c2' | 'c3' | 'c4' | 'c5' | 'c6' | 'ok' | 'bad' | 'muted'

export interface Series {
  readonly name: string
  readonly ink: Ink
  readonly look: 'line' | 'dashed' | 'points' | 'hidden'
  /** Null where it has no value; as many as the chart's `x`. */
  readonly values: readonly (number | null)[]
}

/** A chart: what the page's script draws, and the numbers that stand below it. */
export interface Chart {
  readonly id: string
  readonly title: string
  /** What it shows, in a sentence or two. */
  readonly caption: string
  readonly xAxis: Axis
  readonly yAxis: Axis
  /** Ascending. */
  readonly x: readonly number[]
  readonly series: readonly Series[]
  /** The space between two series, by their numbers, the upper one first. */
  readonly bands: readonly (readonly [upper: number, lower: number])[]
  /** Upright lines. */
  readonly marks: readonly { readonly x: number; readonly label: string; readonly ink: Ink }[]
  readonly table: NumbersTable
}

/** A first column of names, and numbers. */
export interface NumbersTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

const INKS: readonly Ink[] = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6']

export function inkOf(n: number): Ink {
  return INKS[n % INKS.length] as Ink
}
