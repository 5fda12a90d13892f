import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Failure } from '../../kernel/errors.js'
import type { ReadResult, ReadTask } from './read-file.js'
import type { ThreadAnswer } from './thread.js'

export type { ReadFile, ReadResult } from './read-file.js'

/** Files up to this size are read once: what was hashed is what is uploaded. */
export const HOLD_BYTES = 1024 * 1024
const MOST_THREADS = 2
/** Of small files, which go to a thread in one message. */
const TASKS_PER_MESSAGE = 16
/** A file costs at least as much as reading so many bytes. */
const LEAST_BYTES = 16 * 1024

interface Waiting {
  readonly thread: Thread
  readonly cost: number
  readonly resolve: (result: ReadResult) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  tasks: ReadTask[]
  /** Bytes that it has still to read. */
  load: number
}

/** Reads and hashes files in threads: neither a slow disk nor hashing holds up requests. Threads start with the first file. */
export class FileReader implements AsyncDisposable {
  private readonly threads: Thread[] = []
  private readonly waiting = new Map<number, Waiting>()
  private next = 0
  private closed = false

  /** `bytes`: how large the file seems to be. */
  read(path: string, bytes: number): Promise<ReadResult> {
    if (this.closed) return Promise.reject(new Failure('INTERRUPTED', 'the reader of files is closed'))
    return new Promise((resolve, reject) => {
      const thread = this.leastLoaded()
      const number = this.next++
      const cost = Math.max(bytes, LEAST_BYTES)
      thread.load += cost
      this.waiting.set(number, { thread, cost, resolve, reject })
      if (thread.tasks.push({ number, path, holdBytes: HOLD_BYTES }) === 1) setImmediate(() => send(thread))
      // A message is answered when its last file is read.
      if (bytes > HOLD_BYTES || thread.tasks.length >= TASKS_PER_MESSAGE) send(thread)
    })
  }

  /** Ends the threads; reads under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()))
    this.fail(new Failure('INTERRUPTED', 'the reader of files is closed'))
  }

  private leastLoaded(): Thread {
    const free = this.threads.find(thread => thread.load === 0)
    if (free !== undefined) return free
    if (this.threads.length < Math.min(MOST_THREADS, availableParallelism())) return this.start()
    return this.threads.reduce((least, thread) => (thread.load < least.load ? thread : least))
  }

  private start(): Thread {
    const worker = new Worker(createRequire(import.meta.url).resolve('#media-thread'), {
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    worker.on('message', (answer: ThreadAnswer) => {
      for (const { number, result } of answer) this.settle(number, result)
    })
    worker.on('error', error => this.fail(error))
    const thread = { worker, tasks: [], load: 0 }
    this.threads.push(thread)
    return thread
  }

  private settle(number: number, result: ReadResult): void {
    const waiting = this.waiting.get(number)
    if (waiting === undefined) return
    this.waiting.delete(number)
    waiting.thread.load -= waiting.cost
    waiting.resolve(result)
  }

  /** A thread that ended by itself is a bug: nothing is to be waited for any more. */
  private fail(error: unknown): void {
    this.closed = true
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }
}

function send(thread: Thread): void {
  const tasks = thread.tasks.splice(0)
  if (tasks.length > 0) thread.worker.postMessage(tasks)
}
