/** How text for a person may look: paint, and how wide a line may be. Without colours every painter returns its text. */
export interface Style {
  /** Cells a line may take; Infinity when the text goes to a file or a pipe and must not be cut. */
  readonly columns: number
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  red(text: string): string
  yellow(text: string): string
}

/** Plain text, never cut. */
export const PLAIN: Style = createStyle({ colors: false, columns: Number.POSITIVE_INFINITY })

export function createStyle(options: { colors: boolean; columns: number }): Style {
  const paint = (on: number, off: number) => (text: string) =>
    options.colors && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text
  return {
    columns: options.columns,
    bold: paint(1, 22),
    dim: paint(2, 22),
    green: paint(32, 39),
    red: paint(31, 39),
    yellow: paint(33, 39),
  }
}
