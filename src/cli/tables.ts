import type { Style } from './style.js'
import { cutToWidth, showControls, widthOf } from './width.js'

export interface Column<Row> {
  readonly title: string
  /** Null is shown as `-`. */
  readonly cell: (row: Row) => string | number | null
  /** Stands right; so does a column that holds numbers only. */
  readonly right?: boolean
  readonly paint?: (text: string, row: Row) => string
}

const GAP = '  '
const LEAST_CELLS = 4

/**
 * Rows as aligned columns under a bold title line, each line ended. Control characters are shown, never sent;
 * when the lines are wider than the terminal, the widest columns of text are cut, figures never.
 */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], style: Style): string {
  const shapes = columns.map(column => {
    const values = rows.map(column.cell)
    const right = column.right ?? (values.some(value => value !== null) && values.every(value => typeof value !== 'string'))
    const texts = values.map(value => (value === null ? '-' : showControls(String(value))))
    const cells = texts.reduce((most, text) => Math.max(most, widthOf(text)), widthOf(column.title))
    return { column, right, texts, cells }
  })
  narrow(shapes, style.columns)
  const last = shapes.length - 1
  const line = (cellOf: (shape: (typeof shapes)[number]) => string, paint: (text: string, column: Column<Row>) => string) =>
    shapes
      .map((shape, index) => {
        const text = cutToWidth(cellOf(shape), shape.cells)
        const space = ' '.repeat(shape.cells - widthOf(text))
        const painted = paint(text, shape.column)
        return shape.right ? space + painted : index === last ? painted : painted + space
      })
      .join(GAP)
  const lines = rows.map((row, index) =>
    line(
      shape => shape.texts[index] ?? '',
      (text, column) => column.paint?.(text, row) ?? text,
    ),
  )
  return [line(shape => shape.column.title, style.bold), ...lines].map(text => `${text}\n`).join('')
}

/** Narrows the widest text columns, one cell at a time, until the line fits or nothing more can give. */
function narrow(shapes: { right: boolean; cells: number }[], columns: number): void {
  let over = shapes.reduce((sum, shape) => sum + shape.cells, GAP.length * (shapes.length - 1)) - columns
  const texts = shapes.filter(shape => !shape.right)
  while (over > 0) {
    const widest = texts.reduce<{ cells: number } | null>(
      (best, shape) => (shape.cells > (best?.cells ?? LEAST_CELLS) ? shape : best),
      null,
    )
    if (widest === null) return
    widest.cells--
    over--
  }
}
