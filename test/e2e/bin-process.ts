import { type ChildProcess, spawn } from 'node:child_process'
import { BIN } from '../support/bin.js'
import type { TestEnv } from '../support/drivers.js'

export interface BinEnd {
  /** Null when a signal ended it. */
  readonly exit: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** A feedctl that runs as a process of its own, and is killed at the latest when it is disposed of. */
export class BinProcess implements AsyncDisposable {
  readonly ended: Promise<BinEnd>
  private text = { out: '', err: '' }
  private readonly child: ChildProcess

  constructor(argv: readonly string[], env: TestEnv, cwd: string) {
    const child = spawn(process.execPath, [BIN, ...argv], { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    child.stdout.on('data', (chunk: Buffer) => {
      this.text.out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.text.err += chunk.toString()
    })
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exit, signal) => resolve({ exit, signal, ...this.text }))
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Resolves when stderr holds the words, with all of it so far. @throws {Error} with all it said, when it ends before */
  async says(words: string): Promise<string> {
    let end: BinEnd | null = null
    void this.ended.then(ended => {
      end = ended
    })
    while (!this.text.err.includes(words)) {
      if (end !== null) throw new Error(`ended without saying ${words}: ${JSON.stringify(end)}`)
      await Promise.race([this.ended, new Promise(resolve => this.child.stderr?.once('data', resolve))])
    }
    return this.text.err
  }

  /** Sends the signal; the answer is how it ended. */
  end(signal: NodeJS.Signals): Promise<BinEnd> {
    this.child.kill(signal)
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGKILL')
  }
}
