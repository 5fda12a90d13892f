const HEAD_END = Buffer.from('\r\n\r\n')
const RETRY_AFTER = /\r\nretry-after: *(\d+)/i
const LENGTH = /\r\ncontent-length: *(\d+)/i
/** Beyond, it is no answer of an API. */
const MAX_HEAD_BYTES = 65_536

/** What is known of an answer when all of it is there. */
export interface ReadAnswer {
  readonly status: number
  /** Of its body. */
  readonly bytes: number
  /** Where it was asked for; null elsewhere. */
  readonly body: Buffer | null
  /** Seconds, of a refusal that says so; else null. */
  readonly retryAfterS: number | null
}

/** Finds the ends of HTTP/1.1 answers in what comes over one connection, by their Content-Length. */
export class AnswerReader {
  private head: Buffer | null = null
  /** Bytes of the body that are still to come; -1 while the head is. */
  private left = -1
  private status = 0
  private bytes = 0
  private retryAfterS: number | null = null
  private body: Buffer[] | null = null

  /** @param wantsBody whether the body of the answer that begins now is to be kept */
  constructor(
    private readonly onAnswer: (answer: ReadAnswer) => void,
    private readonly wantsBody: () => boolean,
  ) {}

  /** Takes the next bytes, which are read before it returns. @throws {Error} for what is no answer with a Content-Length */
  take(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) rest = this.left < 0 ? this.takeHead(rest) : this.takeBody(rest)
  }

  private takeHead(chunk: Buffer): Buffer {
    const whole = this.head === null ? chunk : Buffer.concat([this.head, chunk])
    const end = whole.indexOf(HEAD_END)
    if (end < 0) {
      if (whole.length > MAX_HEAD_BYTES) throw new Error('an answer whose head does not end')
      this.head = Buffer.from(whole)
      return chunk.subarray(chunk.length)
    }
    this.head = null
    const text = whole.toString('latin1', 0, end)
    this.status = Number(text.slice(9, 12))
    if (!text.startsWith('HTTP/1.1 ') || !(this.status >= 100)) throw new Error(`not an answer: ${text.slice(0, 40)}`)
    const length = LENGTH.exec(text)?.[1]
    if (length === undefined && this.status !== 204 && this.status !== 304) throw new Error('an answer without a Content-Length')
    this.bytes = length === undefined || this.status === 304 ? 0 : Number(length)
    this.retryAfterS = this.status < 400 ? null : secondsIn(text)
    this.body = this.wantsBody() ? [] : null
    this.left = this.bytes
    if (this.left === 0) this.finish()
    return whole.subarray(end + HEAD_END.length)
  }

  private takeBody(chunk: Buffer): Buffer {
    const taken = Math.min(this.left, chunk.length)
    this.body?.push(Buffer.from(chunk.subarray(0, taken)))
    this.left -= taken
    if (this.left === 0) this.finish()
    return chunk.subarray(taken)
  }

  private finish(): void {
    this.left = -1
    const body = this.body === null ? null : Buffer.concat(this.body)
    this.onAnswer({ status: this.status, bytes: this.bytes, retryAfterS: this.retryAfterS, body })
  }
}

function secondsIn(head: string): number | null {
  const seconds = RETRY_AFTER.exec(head)?.[1]
  return seconds === undefined ? null : Number(seconds)
}
