import { PassThrough, Writable } from 'node:stream'
import type { Screen } from '../../../src/cli/ports.js'
import { WholeScreen } from '../../../src/cli/whole-screen.js'
import { KeptText } from '../../support/cli.js'

/** An escape, with its parameters and its last letter, or a character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape is one
const SENT = /\u001b\[([?\d;]*)([a-zA-Z])|(.)/gsu

/** A terminal that understands what the canvas sends it, and nothing else. */
export class Glass extends Writable {
  readonly isTTY = true
  /** Of the alternate screen; null while it is not shown. */
  private cells: string[][] | null = null
  private at = { row: 0, column: 0 }
  readonly sent: string[] = []
  cursorShown = true

  constructor(
    public columns: number,
    public rows: number,
  ) {
    super({ decodeStrings: false })
  }

  /** What is seen, without the blanks at the ends; null while the screen before is. */
  get lines(): string[] | null {
    return this.cells?.map(row => row.join('').trimEnd()) ?? null
  }

  get text(): string {
    return this.lines?.join('\n') ?? ''
  }

  resize(columns: number, rows: number): void {
    this.columns = columns
    this.rows = rows
    // As terminals do that cut: what is outside is gone, what is inside stays.
    this.cells = this.blank().map((row, y) => row.map((cell, x) => this.cells?.[y]?.[x] ?? cell))
    this.emit('resize')
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.sent.push(chunk.toString())
    for (const [, parameters = '', final = '', character = ''] of chunk.toString().matchAll(SENT)) {
      if (final !== '') this.obey(parameters, final)
      else this.put(character)
    }
    done()
  }

  private obey(parameters: string, final: string): void {
    if (parameters === '?1049') this.cells = final === 'h' ? this.blank() : null
    else if (parameters === '?25') this.cursorShown = final === 'h'
    else if (final === 'H') {
      const [row = 1, column = 1] = parameters.split(';').map(text => Number(text) || 1)
      this.at = { row: row - 1, column: column - 1 }
    } else if (final === 'J') this.cells = this.blank()
    else if (final === 'K') this.cells?.[this.at.row]?.fill(' ', this.at.column)
    else if (final !== 'm' && parameters !== '?2026') throw new Error(`a terminal may not know ${parameters}${final}`)
  }

  private put(character: string): void {
    const row = this.cells?.[this.at.row]
    if (this.columns === 0) return
    if (row === undefined || this.at.column >= this.columns)
      throw new Error(`${JSON.stringify(character)} is outside of the screen`)
    row[this.at.column++] = character
  }

  private blank(): string[][] {
    return Array.from({ length: this.rows }, () => Array.from({ length: this.columns }, () => ' '))
  }
}

/** A screen over such a terminal: `press('q')`, `press('\u001b[B')`. */
export function glassScreen(columns: number, rows: number) {
  const glass = new Glass(columns, rows)
  const err = new KeptText(true, columns)
  let raw = false
  const keys = Object.assign(new PassThrough(), {
    isTTY: true,
    ref: () => {},
    unref: () => {},
    setRawMode: (on: boolean) => {
      raw = on
    },
  })
  const whole = new WholeScreen(glass, err)
  const screen: Screen = {
    stdin: keys as unknown as NodeJS.ReadStream,
    stdout: glass as unknown as NodeJS.WriteStream,
    stderr: err as unknown as NodeJS.WriteStream,
    colors: false,
    unicode: true,
    redact: text => text.replaceAll('hunter2', '***'),
    enter: () => whole.enter(),
    leave: () => whole.leave(),
  }
  return { screen, glass, err, press: (bytes: string) => keys.write(bytes), isRaw: () => raw }
}
