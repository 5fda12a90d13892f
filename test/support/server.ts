import { accessSync, constants, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { WatchedProcess } from './watched-process.js'

const POLL_MS = 20
const START_TIMEOUT_MS = 60_000
const PORTS = { first: 15_000, last: 31_999 }
/** The processes of a run, the one that starts the others included, give out ports of their own: between its check and its use a port is anybody's. */
const SHARES = 4
const share = Number(process.env.VITEST_POOL_ID ?? 0) % SHARES
const given = new Set<number>()
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/local/mysql/bin', '/usr/libexec']

interface ServerPlan {
  /** Private to the server; removed by `dispose`. */
  readonly folder: string
  readonly command: readonly [string, ...string[]]
  /** Resolves when the server answers a client, rejects when it does not yet. */
  readonly answers: () => Promise<void>
}

/** A private server of the tests. It ends with the process that started it, however that ends, and takes its folder along. */
export class Server {
  private running: WatchedProcess | null = null

  protected constructor(private readonly plan: ServerPlan) {}

  get folder(): string {
    return this.plan.folder
  }

  /** Of the running server, or of the last one. */
  get pid(): number {
    if (this.running === null) throw new Error('the server was never started')
    return this.running.pid
  }

  /** Starts on the same port and data, and resolves when it answers. */
  async start(): Promise<void> {
    const log = join(this.plan.folder, 'server.log')
    const before = this.running
    this.running = await WatchedProcess.start(this.plan.command, { folder: this.plan.folder, log })
    await before?.release()
    let exit: number | null = null
    void this.running.ended.then(status => {
      exit = status
    })
    const deadline = Date.now() + START_TIMEOUT_MS
    for (;;) {
      try {
        return await this.plan.answers()
      } catch (error) {
        if (exit !== null || Date.now() > deadline) {
          const refusal = await this.refusal(exit, log, error)
          await this.kill()
          await this.running.release()
          throw refusal
        }
      }
      await pause(POLL_MS)
    }
  }

  /** An orderly stop; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.running?.end('SIGTERM')
  }

  /** What a power cut does; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.running?.end('SIGKILL')
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Freezes the process: connections stay open, nothing is answered. */
  pause(): void {
    this.running?.signal('SIGSTOP')
  }

  resume(): void {
    this.running?.signal('SIGCONT')
  }

  /** Stops the server and removes all it wrote. Calm when done twice. */
  async dispose(): Promise<void> {
    await this.stop()
    await this.running?.release()
    rmSync(this.plan.folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  private async refusal(exit: number | null, log: string, cause: unknown): Promise<Error> {
    const tail = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-20).join('\n')
    const what = exit === null ? `does not answer after ${START_TIMEOUT_MS} ms` : `ended with status ${exit}`
    return new Error(`${this.plan.command[0]} ${what}\n${tail}`, { cause })
  }
}

/** The path of the first of the programs that is on this machine. @throws {Error} naming the Debian package when none is */
export function findProgram(names: readonly string[], debianPackage: string): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...MORE_FOLDERS]
  for (const path of names.flatMap(name => folders.map(folder => join(folder, name)))) {
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  throw new Error(`the tests need ${debianPackage}: apt-get install ${debianPackage}`)
}

/**
 * A free port of 127.0.0.1 below the range of outgoing connections: no client can be given it while its server is down, and a client that
 * keeps knocking there cannot end up connected to itself. `pairedAt`: the port that lies so far above it is free as well, and given with it.
 */
export async function findFreePort(pairedAt = 0): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - pairedAt - PORTS.first + 1))
    if ((await isOurs(port)) && (pairedAt === 0 || (await isOurs(port + pairedAt)))) return port
  }
}

/** Whether the port is free, and given to nobody before. */
async function isOurs(port: number): Promise<boolean> {
  if (port % SHARES !== share || given.has(port)) return false
  given.add(port)
  return isFree(port)
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
