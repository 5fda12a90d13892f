import { Writable } from 'node:stream'
import { UNKNOWN_COLUMNS } from '../width.js'

/** Terminals that know it show what is between at once; others ignore it. */
const BEGIN = '\u001b[?2026h'
const END = '\u001b[?2026l'
const UNKNOWN_ROWS = 24

/**
 * Draws whole pictures, one per write, on a terminal that is all ours: only the lines that changed are sent, each to its place, so that
 * nothing scrolls or flickers.
 */
export class Canvas extends Writable {
  private drawn: readonly string[] = []

  constructor(private readonly terminal: NodeJS.WriteStream) {
    super({ decodeStrings: false })
  }

  /** A terminal that does not know its size says 0. */
  get columns(): number {
    return this.terminal.columns || UNKNOWN_COLUMNS
  }

  get rows(): number {
    return this.terminal.rows || UNKNOWN_ROWS
  }

  /** Blanks the terminal: nothing that is on it can be relied on, after it was resized. The next picture has to be drawn whole. */
  blank(): void {
    this.drawn = []
    this.terminal.write('\u001b[2J')
  }

  override _write(picture: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    const lines = picture.toString().split('\n').slice(0, this.rows)
    const place = (index: number) => `\u001b[${index + 1};1H`
    const changed = lines.map((line, index) => (line === this.drawn[index] ? '' : `${place(index)}${line}\u001b[K`))
    const gone = this.drawn.slice(lines.length).map((_, index) => `${place(lines.length + index)}\u001b[K`)
    const text = [...changed, ...gone].join('')
    this.drawn = lines
    if (text !== '') this.terminal.write(BEGIN + text + END)
    done()
  }
}
