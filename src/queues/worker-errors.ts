import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'

const SAY_AGAIN_MS = 30_000
/** BullMQ's, of a job whose outcome it could not write: another worker has it, or Redis has lost it. */
const LOST_JOB =
  /^(Missing (key|lock) for job|Lock mismatch for job|could not renew lock for job|Job .+ is not in the active state)/

/** Tells the log what a consumer complains of; while Redis is away the same comes many times a second, and is said once. */
export class WorkerErrors {
  private said = { words: '', at: 0 }

  constructor(private readonly log: Log) {}

  say(error: unknown): void {
    const words = wordsOf(error)
    const now = Date.now()
    if (words === this.said.words && now - this.said.at < SAY_AGAIN_MS) return
    this.said = { words, at: now }
    const what = LOST_JOB.test(words) ? 'the worker lost hold of a job' : 'the worker waits for its queue'
    this.log.warn(what, { why: words })
  }
}
