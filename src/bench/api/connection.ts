import { connect, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { wordsOf } from '../../kernel/errors.js'
import { AnswerReader, type ReadAnswer } from './answer-reader.js'

/** Where requests are sent. */
export interface Target {
  readonly host: string
  readonly port: number
  /** Whether by TLS, whose certificate has to be of that host. */
  readonly secure?: true
}

/** What is told of a connection. */
export interface ConnectionEvents {
  /** The answer to the request that was sent last. */
  onAnswer(connection: Connection, answer: ReadAnswer): void
  /** It is gone: nobody asked for that. */
  onLost(connection: Connection, why: string): void
  /** Whether the body of its answer, which begins now, is to be kept. */
  wantsBody(connection: Connection): boolean
}

/** One that could not be opened. */
export class NoConnection extends Error {}

/** Of TCP and TLS together. */
const OPENING_MS = 10_000

/** Every read of every connection goes here first, and is used up before the next. */
const READ = Buffer.allocUnsafe(256 * 1024)

/** One keep-alive connection with at most one request under way; costs as little as a connection of Node can. */
export class Connection {
  private readonly socket: Socket
  private readonly reader: AnswerReader
  private over = false
  private isUnderWay = false
  /** Whether what is read now began before the request under way was sent. */
  private isSentEarly = false
  private isReading = false
  /** When the request under way was to be sent, ms of `performance.now`; for who measures. */
  since = 0
  /** Which request is under way; for who checks its answer. */
  asked = 0
  answers = 0
  /** When it was sent, ms of `performance.now`. */
  sentAt = 0
  /** Whether any of its answer has come. */
  hasBegun = false
  /** Whether something came over it that nobody had asked for. */
  isStray = false

  private constructor(
    target: Target,
    localAddress: string | null,
    private readonly events: ConnectionEvents,
  ) {
    this.reader = new AnswerReader(
      answer => {
        if (this.isSentEarly || !this.isUnderWay) throw this.stray()
        this.answers += 1
        this.isUnderWay = false
        this.events.onAnswer(this, answer)
      },
      () => this.events.wantsBody(this),
    )
    const { host, port } = target
    const onread = { buffer: READ, callback: (bytes: number) => this.take(bytes) }
    const options = { host, port, onread, noDelay: true, ...(localAddress === null ? {} : { localAddress }) }
    this.socket = target.secure ? connectSecurely({ ...options, ...serverName(host) }) : connect(options)
    this.socket.on('error', error => this.lose(wordsOf(error)))
    this.socket.on('close', () => {
      if (!this.over) this.reader.end()
      this.lose('closed by the server')
    })
  }

  /** Resolves when it is open. @param openingMs how long that may take @throws {NoConnection} when it is refused, or takes longer */
  static open(
    target: Target,
    events: ConnectionEvents,
    localAddress: string | null = null,
    openingMs = OPENING_MS,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer)
        reject(new NoConnection(`no connection: ${why}`))
      }
      const opening = { ...events, onLost: (_: Connection, why: string) => fail(why) }
      const live: ConnectionEvents = {
        onAnswer: (connection, answer) => events.onAnswer(connection, answer),
        onLost: (connection, why) => (isOpen ? events : opening).onLost(connection, why),
        wantsBody: connection => events.wantsBody(connection),
      }
      let isOpen = false
      const connection = new Connection(target, localAddress, live)
      const timer = setTimeout(() => {
        connection.close()
        fail(`it was not open after ${openingMs / 1000} s`)
      }, openingMs)
      connection.socket.once(target.secure ? 'secureConnect' : 'connect', () => {
        isOpen = true
        clearTimeout(timer)
        resolve(connection)
      })
    })
  }

  get isOpen(): boolean {
    return !this.over
  }

  send(request: Buffer): void {
    this.isSentEarly = this.isReading
    this.isUnderWay = true
    this.hasBegun = false
    this.sentAt = performance.now()
    this.socket.write(request)
  }

  /** Without a word to anyone. */
  close(): void {
    this.over = true
    this.socket.destroy()
  }

  private take(bytes: number): boolean {
    try {
      if (!this.over) this.read(READ.subarray(0, bytes))
    } catch (error) {
      this.lose(wordsOf(error))
      this.socket.destroy()
    }
    return true
  }

  /** What comes before a request is sent cannot be its answer. */
  private read(bytes: Buffer): void {
    if (!this.isUnderWay) throw this.stray()
    this.hasBegun = true
    this.isReading = true
    this.reader.take(bytes)
    this.isReading = false
    if (!this.over && !this.reader.isBetween && (this.isSentEarly || !this.isUnderWay)) throw this.stray()
    this.isSentEarly = false
  }

  private stray(): Error {
    this.isStray = true
    return new Error('an answer that nobody asked for')
  }

  private lose(why: string): void {
    if (this.over) return
    this.over = true
    this.events.onLost(this, why)
  }
}

/** An address is no name that a certificate is asked for by. */
function serverName(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}
