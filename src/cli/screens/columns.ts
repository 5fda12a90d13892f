import type { Style } from '../style.js'
import { cutToWidth, showControls, widthOf } from '../width.js'

/** A column that may give way where there is no room. */
export interface Field<Row> {
  readonly title: string
  readonly cell: (row: Row) => string
  /** The field with the highest rank is left out first; 0 never is. */
  readonly rank: number
  readonly right?: boolean
  /** Cells it may be cut down to; without it, it keeps the width of its texts. */
  readonly least?: number
  /** Cells it takes at least, so that the columns stand still while figures change. */
  readonly cells?: number
  readonly paint?: (text: string, row: Row) => string
}

/** A table that fits: each of its lines is as wide as the others. */
export interface LaidOut {
  readonly head: string
  readonly lines: readonly string[]
  readonly cells: number
}

interface Shape<Row> {
  readonly field: Field<Row>
  readonly texts: readonly string[]
  cells: number
}

const GAP = '  '

/** Lays rows out in at most `width` cells: the least important fields are left out, and the widest texts cut, as far as it needs. */
export function layOut<Row>(rows: readonly Row[], fields: readonly Field<Row>[], width: number, style: Style): LaidOut {
  const shapes = fields.map(field => {
    const texts = rows.map(row => showControls(field.cell(row)))
    const cells = texts.reduce((most, text) => Math.max(most, widthOf(text)), Math.max(widthOf(field.title), field.cells ?? 0))
    return { field, texts, cells }
  })
  const kept = leaveOut(shapes, width)
  narrow(kept, width)
  const lineOf = (textOf: (shape: Shape<Row>) => string, paint: (text: string, field: Field<Row>) => string) =>
    kept
      .map(shape => {
        const text = cutToWidth(textOf(shape), shape.cells)
        const space = ' '.repeat(Math.max(0, shape.cells - widthOf(text)))
        const painted = paint(text, shape.field)
        return shape.field.right === true ? space + painted : painted + space
      })
      .join(GAP)
  return {
    head: lineOf(shape => shape.field.title, style.dim),
    lines: rows.map((row, index) =>
      lineOf(
        shape => shape.texts[index] ?? '',
        (text, field) => field.paint?.(text, row) ?? text,
      ),
    ),
    cells: cellsOf(kept, shape => shape.cells),
  }
}

function leaveOut<Row>(shapes: readonly Shape<Row>[], width: number): Shape<Row>[] {
  let kept = [...shapes]
  const narrowest = (shape: Shape<Row>) => Math.min(shape.cells, shape.field.least ?? shape.cells)
  while (cellsOf(kept, narrowest) > width) {
    const rank = Math.max(...kept.map(({ field }) => field.rank))
    if (rank <= 0) break
    const last = kept.findLastIndex(({ field }) => field.rank === rank)
    kept = kept.filter((_, index) => index !== last)
  }
  return kept
}

function narrow<Row>(shapes: readonly Shape<Row>[], width: number): void {
  const giving = shapes.filter(({ field }) => field.least !== undefined)
  for (let over = cellsOf(shapes, shape => shape.cells) - width; over > 0; over--) {
    const widest = giving
      .filter(({ cells, field }) => cells > (field.least ?? cells))
      .reduce<Shape<Row> | null>((best, shape) => (best === null || shape.cells > best.cells ? shape : best), null)
    if (widest === null) return
    widest.cells--
  }
}

function cellsOf<Row>(shapes: readonly Shape<Row>[], cells: (shape: Shape<Row>) => number): number {
  return shapes.reduce((sum, shape) => sum + cells(shape), GAP.length * Math.max(0, shapes.length - 1))
}
