const POLL_MS = 2_000
/** After so long without a word the stream counts as broken. */
const SILENT_MS = 6_000
const STREAM_AGAIN_MS = 5_000
/** A page that nobody sees gives its connection back after a while. */
const HIDDEN_MS = 60_000
const PATIENCE_MS = 10_000

/** Keeps a page informed: by a stream, and by asking now and then while there is none. */
export class Connection {
  stream = null
  openedAt = 0
  heardAt = 0
  polledAt = 0
  polling = false
  /** When the page was hidden; null while somebody sees it. */
  hiddenAt = null
  /** When what is shown was so; null before the first. */
  newestAt = null

  /**
   * @param {(overview: any) => void} onOverview
   * @param {(state: { kind: 'live' | 'polling' | 'broken', since: number | null, words: string | null }) => void} onState
   */
  constructor(onOverview, onState) {
    this.onOverview = onOverview
    this.onState = onState
    document.addEventListener('visibilitychange', () => {
      this.hiddenAt = document.hidden ? Date.now() : null
      if (!document.hidden && this.stream === null) this.open()
    })
    this.open()
    setInterval(() => this.look(), 1_000)
  }

  open() {
    this.close()
    this.openedAt = Date.now()
    this.heardAt = Date.now()
    const stream = new EventSource('/ops/events')
    this.stream = stream
    const on = (name, deed) =>
      stream.addEventListener(name, event => {
        this.heardAt = Date.now()
        deed(JSON.parse(event.data))
      })
    on('overview', overview => this.learn(overview, 'live'))
    on('beat', () => {
      this.newestAt = Date.now()
      this.tell('live')
    })
    on('trouble', ({ message }) => this.tell('broken', message))
    on('end', ({ why }) => (why === 'logged-out' ? this.leave() : this.close()))
    stream.addEventListener('error', () => {
      // Refused, and not only interrupted, which the browser mends by itself.
      if (stream.readyState === EventSource.CLOSED && this.stream === stream) this.close()
    })
  }

  close() {
    this.stream?.close()
    this.stream = null
  }

  look() {
    const now = Date.now()
    if (this.hiddenAt !== null && now - this.hiddenAt > HIDDEN_MS) return this.close()
    const isSilent = this.stream === null || now - this.heardAt > SILENT_MS
    if (!isSilent) return
    if (now - this.openedAt >= STREAM_AGAIN_MS) this.open()
    if (now - this.polledAt >= POLL_MS) void this.poll()
  }

  async poll() {
    if (this.polling) return
    this.polling = true
    this.polledAt = Date.now()
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const answer = await fetch('/ops/overview.json', { headers: { accept: 'application/json' }, signal })
      if (answer.status === 401) this.leave()
      else if (answer.ok) this.learn(await answer.json(), 'polling')
      else this.tell('broken', wordsOf(answer.status))
    } catch {
      this.tell('broken', 'the server does not answer')
    } finally {
      this.polling = false
    }
  }

  learn(overview, kind) {
    this.newestAt = Date.now()
    this.onOverview(overview)
    this.tell(kind)
  }

  tell(kind, words = null) {
    this.onState({ kind, since: this.newestAt, words })
  }

  leave() {
    this.close()
    location.assign('/ops')
  }
}

function wordsOf(status) {
  return status === 503 ? 'the sessions, the queues or the database do not answer' : `the server answers with ${status}`
}
