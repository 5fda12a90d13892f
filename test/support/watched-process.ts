import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Runs a server and outlives this process just long enough to clean up after it: the end of its standard input, however the owner ended,
 * stops the server and removes the folder. One line on its input releases it: the folder stays. That line is read here: the guard, which would
 * swallow it, must be gone before the owner hears of the end. Arguments: folder, log file, program...
 */
const WATCHER = `
trap '' PIPE
folder=$1 log=$2
shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
echo "$server"
(
  exec >/dev/null 2>&1
  while read -r line <&3; do :; done
  kill -TERM "$server"
  left=100
  while [ "$left" -gt 0 ] && kill -0 "$server"; do left=$((left - 1)); sleep 0.1; done
  kill -KILL "$server"
) &
guard=$!
wait "$server"
status=$?
kill "$guard" 2>/dev/null
wait "$guard" 2>/dev/null
echo "$status" 2>/dev/null
read -r line <&3 || rm -rf -- "$folder"
`

/** A program in a session of its own, which no signal of the terminal reaches and which never outlives this process. */
export class WatchedProcess {
  private constructor(
    private readonly watcher: ChildProcess,
    readonly pid: number,
    /** The exit status of the program, once it has ended; 128 + n when signal n ended it. */
    readonly ended: Promise<number>,
  ) {}

  /** Starts the program; when this process dies first, it is stopped and its folder removed. Its output is appended to the log file. */
  static async start(command: readonly [string, ...string[]], place: { folder: string; log: string }): Promise<WatchedProcess> {
    const watcher = spawn('/bin/sh', ['-c', WATCHER, 'watcher', place.folder, place.log, ...command], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    await once(watcher, 'spawn')
    const lines = createInterface({ input: watcher.stdout })[Symbol.asyncIterator]()
    const pid = Number((await lines.next()).value)
    return new WatchedProcess(
      watcher,
      pid,
      lines.next().then(line => Number(line.value)),
    )
  }

  signal(name: NodeJS.Signals): void {
    try {
      process.kill(this.pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** Ends the program and resolves when it is gone; one that ignores SIGTERM for `patienceMs` is killed. Its folder stays. */
  async end(name: 'SIGTERM' | 'SIGKILL', patienceMs = 20_000): Promise<void> {
    // A process that SIGSTOP holds does not see a SIGTERM.
    this.signal('SIGCONT')
    this.signal(name)
    const impatience = setTimeout(() => this.signal('SIGKILL'), patienceMs)
    await this.ended
    clearTimeout(impatience)
  }

  /** Sends the watcher home; from now on the folder is the caller's to remove. Only after the program has ended. */
  async release(): Promise<void> {
    if (this.watcher.exitCode !== null) return
    const gone = once(this.watcher, 'exit')
    this.watcher.stdin?.end('\n')
    await gone
  }
}
