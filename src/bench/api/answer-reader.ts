import { ChunkedBody } from './chunked.js'

const HEAD_END = Buffer.from('\r\n\r\n')
const RETRY_AFTER = /\r\nretry-after: *(\d+)/i
const LENGTH = /\r\ncontent-length: *(\d+)/i
const CHUNKED = /\r\ntransfer-encoding:[^\r]*\bchunked *(?:\r|$)/i
const LAST = /\r\nconnection:[^\r]*\bclose\b/i
/** Beyond, it is no answer of an API. */
const MAX_HEAD_BYTES = 65_536

/** What is known of an answer when all of it is there. */
export interface ReadAnswer {
  readonly status: number
  /** Of its body, as it was sent: compressed, where it is. */
  readonly bytes: number
  /** Where it was asked for; null elsewhere. */
  readonly body: Buffer | null
  /** Seconds, of a refusal that says so; else null. */
  readonly retryAfterS: number | null
  /** Whether the server answers nothing more over this connection. */
  readonly isLast: boolean
}

interface Head {
  readonly status: number
  readonly retryAfterS: number | null
  readonly isLast: boolean
}

/** Finds the ends of HTTP/1.1 answers in what comes over one connection: by Content-Length, by pieces, or where the connection ends. */
export class AnswerReader {
  private cut: Buffer | null = null
  /** Null while a head is still to come. */
  private head: Head | null = null
  private bytes = 0
  /** Bytes of the body that are still to come, where that is told. */
  private left: number | null = null
  private pieces: ChunkedBody | null = null
  private body: Buffer[] | null = null

  /** @param wantsBody whether the body of the answer that begins now is to be kept */
  constructor(
    private readonly onAnswer: (answer: ReadAnswer) => void,
    private readonly wantsBody: () => boolean,
  ) {}

  /** Takes the next bytes, which are read before it returns. @throws {Error} for what is no answer */
  take(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) rest = this.head === null ? this.takeHead(rest, this.cut) : this.takeBody(rest, this.head)
  }

  /** Whether all that came so far was of answers that are whole. */
  get isBetween(): boolean {
    return this.head === null && this.cut === null
  }

  /** The connection has ended: so has an answer that says neither its length nor comes in pieces. */
  end(): void {
    if (this.head !== null && this.left === null && this.pieces === null) this.finish(this.head)
  }

  private takeHead(chunk: Buffer, cut: Buffer | null): Buffer {
    const whole = cut === null ? chunk : Buffer.concat([cut, chunk])
    const end = whole.indexOf(HEAD_END)
    if (end < 0) {
      if (whole.length > MAX_HEAD_BYTES) throw new Error('an answer whose head does not end')
      this.cut = Buffer.from(whole)
      return chunk.subarray(chunk.length)
    }
    this.cut = null
    const text = whole.toString('latin1', 0, end)
    const status = Number(text.slice(9, 12))
    if (!/^HTTP\/1\.[01] /.test(text) || !(status >= 100)) throw new Error(`not an answer: ${text.slice(0, 40)}`)
    // Early hints and the like: the answer itself follows.
    if (status >= 200) this.begin(text, status)
    return whole.subarray(end + HEAD_END.length)
  }

  private begin(text: string, status: number): void {
    const isEmpty = status === 204 || status === 304
    const length = isEmpty ? '0' : LENGTH.exec(text)?.[1]
    const isChunked = !isEmpty && CHUNKED.test(text)
    const isOpen = length === undefined && !isChunked
    this.body = this.wantsBody() ? [] : null
    this.bytes = 0
    this.left = isChunked || length === undefined ? null : Number(length)
    this.pieces = isChunked ? new ChunkedBody(piece => this.keep(piece)) : null
    const retryAfterS = status < 400 ? null : secondsIn(text)
    this.head = { status, retryAfterS, isLast: isOpen || LAST.test(text) || text.startsWith('HTTP/1.0') }
    if (this.left === 0) this.finish(this.head)
  }

  private takeBody(chunk: Buffer, head: Head): Buffer {
    if (this.pieces !== null) {
      const rest = this.pieces.take(chunk)
      if (this.pieces.isOver) this.finish(head)
      return rest
    }
    const taken = Math.min(this.left ?? chunk.length, chunk.length)
    this.keep(chunk.subarray(0, taken))
    if (this.left !== null) {
      this.left -= taken
      if (this.left === 0) this.finish(head)
    }
    return chunk.subarray(taken)
  }

  private keep(piece: Buffer): void {
    this.bytes += piece.length
    this.body?.push(Buffer.from(piece))
  }

  private finish(head: Head): void {
    const bytes = this.bytes
    const body = this.body === null ? null : Buffer.concat(this.body)
    this.head = null
    this.pieces = null
    this.onAnswer({ ...head, bytes, body })
  }
}

function secondsIn(head: string): number | null {
  const seconds = RETRY_AFTER.exec(head)?.[1]
  return seconds === undefined ? null : Number(seconds)
}
