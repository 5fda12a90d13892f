import { readdirSync, readFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { onTestFinished } from 'vitest'
import { ask } from '../api/ground.js'
import type { TestEnv } from '../support/drivers.js'
import type { BinProcess } from './bin-process.js'
import { Installation } from './installation.js'

/** Less than any server keeps an idle connection open that is about to end. */
const IDLE_MS = 1_000

/** For what waits until another process has started, on a busy machine too. */
export const STARTED = { timeout: 90_000 } as const

/** What became of the requests of a load. */
export interface LoadEnd {
  readonly answered: number
  readonly failures: readonly string[]
}

/** Clients that ask one path again and again until they are told to stop: some keep their connections, some open one for each request. */
export class Load {
  private stopped = false
  private answered = 0
  private readonly failures: string[] = []
  private readonly agents: (Agent | false)[] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true }), false, false]
  private readonly clients: Promise<void>[]

  constructor(
    private readonly url: string,
    private readonly headers: Record<string, string> = {},
  ) {
    this.clients = this.agents.map(agent => this.ask(agent))
  }

  get count(): number {
    return this.answered
  }

  async stop(): Promise<LoadEnd> {
    this.stopped = true
    await Promise.all(this.clients)
    for (const agent of this.agents) if (agent !== false) agent.destroy()
    return { answered: this.answered, failures: this.failures }
  }

  private async ask(agent: Agent | false): Promise<void> {
    for (let answeredAt = performance.now(); !this.stopped; answeredAt = performance.now()) {
      await new Promise(resolve => setTimeout(resolve, 2))
      // A client that was held up itself may have been left meanwhile, and not have heard of it yet.
      if (agent !== false && performance.now() - answeredAt > IDLE_MS) agent.destroy()
      try {
        const status = await statusOf(this.url, agent, this.headers)
        if (status === 200) this.answered++
        else this.failures.push(`status ${status}`)
      } catch (error) {
        this.failures.push(String(error))
      }
    }
  }
}

function statusOf(url: string, agent: Agent | false, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent, headers }, response => {
      response.resume()
      response.on('error', reject)
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    asking.on('error', reject)
    asking.end()
  })
}

/** `feedctl serve --workers` with a catalog of its own, until the test ends. */
export async function startServe(workers: number, env: TestEnv = {}): Promise<BinProcess> {
  const installation = await Installation.create(env)
  onTestFinished(() => installation[Symbol.asyncDispose]())
  return installation.start(['serve', '--port', '0', '--workers', String(workers)])
}

/** Where it says that it serves. */
export async function servingAt(process: BinProcess): Promise<string> {
  const said = await process.says('Ctrl-C drains')
  return /serving on (http:\S+) /.exec(said)?.[1] ?? ''
}

/** A download that has begun, and goes on when it is read. */
export function beginDownload(url: URL): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false }, resolve).on('error', reject).end()
  })
}

/** The processes that it has forked, as the kernel knows them. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        return new RegExp(`^PPid:\t${pid}$`, 'm').test(readFileSync(`/proc/${name}/status`, 'utf8'))
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Request ids begin with a word of their process. */
export async function answering(url: string): Promise<string> {
  const { status, headers } = await ask(url, '/healthz')
  if (status !== 200) throw new Error(`/healthz is answered with ${status}`)
  return String(headers['x-request-id']).replace(/-\w+$/, '')
}

export async function answeringAll(url: string): Promise<Set<string>> {
  return new Set(await Promise.all(Array.from({ length: 24 }, () => answering(url))))
}
