/** The alternate screen, blank, its cursor hidden. */
const ENTER = '\u001b[?1049h\u001b[2J\u001b[H\u001b[?25l'
/** Colours off, the cursor shown, and what was there before. */
const LEAVE = '\u001b[0m\u001b[?25h\u001b[?1049l'
const MOST_CHUNKS = 500

type Write = NodeJS.WritableStream['write']

/**
 * The whole terminal, for a screen that redraws itself. What anyone writes to stderr meanwhile is kept, the newest of it, and written
 * when the screen is left: by `leave`, by SIGHUP and the end of the process, and before the words of an uncaught error.
 */
export class WholeScreen {
  private taken = false
  private kept: (string | Uint8Array)[] = []
  private lost = 0
  private readonly onEnd = () => this.leave()
  /** The terminal may be there still: only the process is to end. */
  private readonly onHangUp = () => {
    this.leave()
    process.kill(process.pid, 'SIGHUP')
  }

  constructor(
    private readonly stdout: NodeJS.WritableStream,
    private readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean },
  ) {}

  /** Calm when done twice, like `leave`. */
  enter(): void {
    if (this.taken) return
    this.taken = true
    // A stderr that goes to a file tears no screen.
    if (this.stderr.isTTY === true) this.stderr.write = this.keep
    process.on('exit', this.onEnd)
    process.on('uncaughtExceptionMonitor', this.onEnd)
    process.on('SIGHUP', this.onHangUp)
    this.stdout.write(ENTER)
  }

  leave(): void {
    if (!this.taken) return
    this.taken = false
    process.off('exit', this.onEnd)
    process.off('uncaughtExceptionMonitor', this.onEnd)
    process.off('SIGHUP', this.onHangUp)
    this.stdout.write(LEAVE)
    // The stream's own `write` is its prototype's.
    Reflect.deleteProperty(this.stderr, 'write')
    if (this.lost > 0) this.stderr.write(`${this.lost} earlier messages are not shown\n`)
    for (const chunk of this.kept.splice(0)) this.stderr.write(chunk)
    this.lost = 0
  }

  private readonly keep: Write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ): boolean => {
    this.kept.push(chunk)
    if (this.kept.length > MOST_CHUNKS) {
      this.kept.shift()
      this.lost++
    }
    const told = typeof encoding === 'function' ? encoding : done
    if (told !== undefined) queueMicrotask(() => told())
    return true
  }
}
