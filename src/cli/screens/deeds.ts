import type { QueueDesk, RetryEnd } from '../../queues/index.js'
import { count, counted } from '../figures.js'
import type { Deed, RetryOf } from './keys.js'

/** Does what a key asked for; answers what came of it, in words. @throws {Failure} UNAVAILABLE; some jobs may have been retried */
export async function act(deed: Exclude<Deed, { kind: 'leave' }>, desk: QueueDesk, signal: AbortSignal): Promise<string> {
  switch (deed.kind) {
    case 'pause':
      await desk.pause(deed.queue)
      return `the queue ${deed.queue} is paused: p resumes it`
    case 'resume':
      await desk.resume(deed.queue)
      return `the queue ${deed.queue} is resumed`
    case 'retry':
      return retriedWords(await retry(deed.of, desk, signal))
  }
}

function retriedWords(ends: Readonly<Record<RetryEnd, number>>): string {
  const queued = ends['already-queued'] > 0 ? `, ${count(ends['already-queued'])} queued already` : ''
  const left = ends['left-out'] > 0 ? `, ${count(ends['left-out'])} left out` : ''
  return `retried ${counted(ends.retried, 'failed job')}${queued}${left}`
}

async function retry(of: RetryOf, desk: QueueDesk, signal: AbortSignal): Promise<Record<RetryEnd, number>> {
  const ends = { retried: 0, 'already-queued': 0, 'left-out': 0 }
  for await (const job of desk.failed()) {
    if (signal.aborted) break
    const isMeant = 'queue' in of ? job.queue === of.queue : job.tenantId === of.tenantId
    if (isMeant) ends[await desk.retry(job)]++
  }
  return ends
}
