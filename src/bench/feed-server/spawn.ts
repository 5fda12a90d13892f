import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { type FeedServerAddress, originAt, urlOfSource } from './addresses.js'
import type { FaultName } from './faults.js'
import type { FeedServerOptions } from './server.js'
import type { FeedServerStats } from './tally.js'

const STOP_WITHIN_MS = 3000

/** A feed server in a process of its own: the control of `FeedServer`, over HTTP. Its methods throw {Failure} UNAVAILABLE when it is gone. */
export class RemoteFeedServer {
  readonly pid: number
  readonly port: number
  readonly origin: string
  private closed: Promise<void> | null = null

  constructor(
    private readonly child: ChildProcess,
    readonly address: FeedServerAddress,
  ) {
    this.pid = child.pid ?? 0
    this.port = address.port
    this.origin = originAt(address)
  }

  urlOf(source: number): string {
    return urlOfSource(this.address, source)
  }

  faultUrl(name: FaultName): string {
    return `${this.origin}/faults/${name}`
  }

  async stats(): Promise<FeedServerStats> {
    return (await (await this.control('GET', 'stats')).json()) as FeedServerStats
  }

  async resetStats(): Promise<void> {
    await this.control('POST', 'reset')
  }

  async advanceEdition(source?: number, by = 1): Promise<void> {
    await this.control('POST', `edition?by=${by}${source === undefined ? '' : `&source=${source}`}`)
  }

  async setLatency(ms: number): Promise<void> {
    await this.control('POST', `latency?ms=${ms}`)
  }

  async prepare(from: number, to: number): Promise<void> {
    await this.control('POST', `prepare?from=${from}&to=${to}`)
  }

  /** Resolves when the process has ended. */
  close(): Promise<void> {
    this.closed ??= stop(this.child)
    return this.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async control(method: 'GET' | 'POST', deed: string): Promise<Response> {
    let response: Response
    try {
      response = await fetch(`${this.origin}/_control/${deed}`, { method })
    } catch (error) {
      throw new Failure('UNAVAILABLE', `the feed server at ${this.origin} does not answer: ${wordsOf(error)}`, { cause: error })
    }
    if (!response.ok) throw new Failure('USAGE', `the feed server refuses: ${await response.text()}`)
    return response
  }
}

/**
 * Starts a feed server in a process of its own, which ends with this one at the latest; who starts it closes it.
 * @throws {Failure} UNAVAILABLE it is not built, or ended before it listened
 */
export async function spawnFeedServer(options: FeedServerOptions = {}): Promise<RemoteFeedServer> {
  const child = spawn(process.execPath, [entry(), JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'pipe'] })
  // Without a reader of this error a child that ends early would end us.
  child.stdin.on('error', () => {})
  const complaint = text(child.stderr)
  try {
    for await (const line of createInterface({ input: child.stdout })) return new RemoteFeedServer(child, JSON.parse(line))
  } catch (error) {
    await stop(child)
    throw error
  }
  await stop(child)
  throw new Failure('UNAVAILABLE', `the feed server did not start: ${(await complaint).trim()}`)
}

function entry(): string {
  try {
    return createRequire(import.meta.url).resolve('#feed-server')
  } catch (error) {
    throw new Failure('UNAVAILABLE', 'the feed server is not built', { hint: 'npm run build', cause: error })
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  child.kill('SIGTERM')
  await ended
  clearTimeout(timer)
}
