const LINE_END = 0x0a
const SIZE = /^([0-9a-f]{1,13})[ \t]*(?:;.*)?\r?$/i
/** Of a line with a size, or of all lines after the last piece; beyond, it is no answer of an API. */
const MAX_LINE_BYTES = 16_384

/** The body of an answer with `transfer-encoding: chunked`: pieces, each after a line with its size, an empty one at the end, and then lines up to an empty one. */
export class ChunkedBody {
  private line = ''
  private linesAfter = 0
  /** Of the piece, and of the end of the line behind it, what is still to come. */
  private left = 0
  private state: 'size' | 'piece' | 'end' | 'after' | 'over' = 'size'
  /** Of the pieces. */
  bytes = 0

  constructor(private readonly onPiece: (piece: Buffer) => void) {}

  get isOver(): boolean {
    return this.state === 'over'
  }

  /** What does not belong to it any more. @throws {Error} for what is no such body */
  take(chunk: Buffer): Buffer {
    let rest = chunk
    while (rest.length > 0 && this.state !== 'over') rest = this.state === 'piece' ? this.takePiece(rest) : this.takeLine(rest)
    return rest
  }

  private takePiece(chunk: Buffer): Buffer {
    const taken = Math.min(this.left, chunk.length)
    this.onPiece(chunk.subarray(0, taken))
    this.bytes += taken
    this.left -= taken
    if (this.left === 0) this.state = 'end'
    return chunk.subarray(taken)
  }

  private takeLine(chunk: Buffer): Buffer {
    const end = chunk.indexOf(LINE_END)
    this.line += chunk.toString('latin1', 0, end < 0 ? chunk.length : end)
    if (this.line.length + this.linesAfter > MAX_LINE_BYTES) throw new Error('an answer in pieces without an end')
    if (end < 0) return chunk.subarray(chunk.length)
    const { line } = this
    this.line = ''
    this.endLine(line)
    return chunk.subarray(end + 1)
  }

  private endLine(line: string): void {
    const isEmpty = line === '' || line === '\r'
    if (this.state === 'size') {
      const size = SIZE.exec(line)?.[1]
      if (size === undefined) throw new Error(`an answer in pieces of no size: ${line.slice(0, 20)}`)
      this.left = Number.parseInt(size, 16)
      this.state = this.left === 0 ? 'after' : 'piece'
    } else if (this.state === 'end') {
      if (!isEmpty) throw new Error('an answer with a piece that is longer than it says')
      this.state = 'size'
    } else if (isEmpty) {
      this.state = 'over'
    } else {
      this.linesAfter += line.length
    }
  }
}
