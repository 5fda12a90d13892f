import { execFile } from 'node:child_process'
import { wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'

/** How long a message may take to be told. */
const PATIENCE_MS = 5_000
/** How often a message is tried that must not be lost: systemd would end a service that it never heard was ready. */
const ATTEMPTS = 5

/** What systemd gives a service of `Type=notify` in its environment. */
export interface SystemdEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined
  readonly WATCHDOG_USEC?: string | undefined
  readonly WATCHDOG_PID?: string | undefined
}

/** The environment without what is for this process alone. */
export function withoutSystemd<T extends SystemdEnvironment>(env: T): Omit<T, keyof SystemdEnvironment> {
  const { NOTIFY_SOCKET: _socket, WATCHDOG_USEC: _every, WATCHDOG_PID: _pid, ...rest } = env
  return rest
}

/** How often systemd must hear of us, ms: at half of the time it allows; null when it does not wait for that. */
export function watchdogMs(env: SystemdEnvironment, pid: number): number | null {
  const allowed = Number(env.WATCHDOG_USEC ?? '') / 1_000
  if (!(allowed > 0) || (env.WATCHDOG_PID !== undefined && env.WATCHDOG_PID !== String(pid))) return null
  return allowed / 2
}

/**
 * Tells systemd how the service is, one message after another, by its own program: Node opens no datagram sockets of unix. Silent where
 * no systemd listens. The unit needs `NotifyAccess=all`.
 */
export class Systemd {
  private readonly socket: string | null
  private readonly everyMs: number | null
  private toldAt = Number.NEGATIVE_INFINITY
  private status = ''
  private lost = false
  private telling: Promise<void> = Promise.resolve()

  constructor(
    private readonly env: SystemdEnvironment & Readonly<Record<string, string | undefined>>,
    private readonly log: Log,
    private readonly pid = process.pid,
    private readonly patienceMs = PATIENCE_MS,
  ) {
    this.socket = env.NOTIFY_SOCKET || null
    this.everyMs = watchdogMs(env, pid)
  }

  ready(status: string): void {
    this.status = status
    this.tell(ATTEMPTS, 'READY=1', `STATUS=${status}`)
  }

  /** Told when it is another than before. */
  say(status: string): void {
    if (status === this.status) return
    this.status = status
    this.tell(1, `STATUS=${status}`)
  }

  reloading(): void {
    this.tell(ATTEMPTS, 'RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`)
  }

  stopping(): void {
    this.tell(1, 'STOPPING=1')
  }

  /** To be called at every turn of the loop whose life it is about. */
  turn(now: number): void {
    if (this.everyMs === null || now - this.toldAt < this.everyMs) return
    this.toldAt = now
    this.tell(1, 'WATCHDOG=1')
  }

  /** Returns when everything is told. */
  async told(): Promise<void> {
    await this.telling
  }

  private tell(attempts: number, ...lines: string[]): void {
    if (this.socket === null) return
    this.telling = this.telling.then(async () => {
      for (let left = attempts; left > 0 && !this.lost; left--) if (await this.send(lines)) return
    })
  }

  /** False when it may not have been heard. */
  private send(lines: readonly string[]): Promise<boolean> {
    return new Promise(resolve => {
      const options = { env: this.env as NodeJS.ProcessEnv, timeout: this.patienceMs }
      execFile('systemd-notify', [`--pid=${this.pid}`, ...lines], options, error => {
        if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') {
          this.lost = true
          this.log.warn('systemd waits for word of this service, but its program systemd-notify is not there')
        } else if (error !== null) this.log.debug('systemd-notify', { why: wordsOf(error) })
        resolve(error === null)
      })
    })
  }
}
