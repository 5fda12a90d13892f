import { readdirSync, readFileSync } from 'node:fs'
import { vi } from 'vitest'
import type { App } from '../../src/app.js'
import type { Board, SupervisorCard, WorkerCard } from '../../src/queues/index.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import type { BinProcess } from './bin-process.js'
import { Installation } from './installation.js'

/** Returns when the assertions hold; fails as they did last, after a minute and a half. For tests that run beside each other, where `expect.poll` does not know its test. */
export async function soon<T>(assertions: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertions, { timeout: 90_000, interval: 100 })
}

/** An installation on Redis whose supervisors are watched on the board. */
export class Supervision implements AsyncDisposable {
  private readonly seen = new Set<number>()

  private constructor(
    readonly installation: Installation,
    private readonly app: App,
    readonly board: Board,
  ) {}

  static async create(settings: TestEnv = {}): Promise<Supervision> {
    const env = { ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis', FEEDCTL_DRAIN_MS: '3000', ...settings }
    const installation = await Installation.create(env)
    const app = await installation.open()
    return new Supervision(installation, app, await app.board())
  }

  start(...flags: string[]): BinProcess {
    return this.installation.start(['queue', 'supervise', '--no-schedule', ...flags])
  }

  /** The cards of the workers, as soon as they are as expected. */
  async workers(expected: (cards: readonly WorkerCard[]) => boolean): Promise<WorkerCard[]> {
    return soon(async () => {
      const cards = await this.board.workers()
      for (const { pid } of cards) this.seen.add(pid)
      if (!expected(cards)) throw new Error(`not the workers that were expected: ${JSON.stringify(cards)}`)
      return cards
    })
  }

  /** As many workers as that, of that supervisor, all others gone. */
  workersOf(supervisor: BinProcess, count: number): Promise<WorkerCard[]> {
    const isOf = (card: WorkerCard) => card.supervisor?.split(':').at(-2) === String(supervisor.pid)
    return this.workers(cards => cards.length === count && cards.every(isOf))
  }

  async card(): Promise<SupervisorCard | undefined> {
    return (await this.board.supervisors())[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app[Symbol.asyncDispose]()
    await this.installation[Symbol.asyncDispose]()
    // One that is stopped does not see that its supervisor has gone, and its card is soon gone too.
    for (const pid of processesWith('--supervisor')) if (this.seen.has(pid)) process.kill(pid, 'SIGKILL')
  }
}

/** False for one that has ended and is only not buried yet. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Processes whose command line has the words. */
export function processesWith(words: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => isAlive(pid) && commandOf(pid).includes(words))
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
