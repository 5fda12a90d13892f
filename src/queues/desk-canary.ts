import { sleep } from '../kernel/clock.js'
import { randomToken } from '../kernel/hash.js'
import { CANARY, canaryKey } from './canary.js'
import type { CanaryAnswer } from './desk.js'
import type { DeskQueues } from './desk-queues.js'
import type { QueueName } from './names.js'

const LOOK_EVERY_MS = 50

/**
 * Puts a job that does nothing in front of the queue, and waits until a worker says that it has taken it. It is taken back when nobody
 * has; the signal's reason is thrown when it aborts.
 */
export async function sendCanary(
  queues: DeskQueues,
  name: QueueName,
  withinMs: number,
  signal: AbortSignal,
): Promise<CanaryAnswer> {
  const queue = queues.of(name)
  if (await queue.isPaused()) return { kind: 'paused' }
  const token = randomToken()
  const begun = performance.now()
  await queue.add(CANARY, { token }, { jobId: token, lifo: true, attempts: 1, removeOnComplete: true, removeOnFail: true })
  try {
    for (;;) {
      const answered = await queues.redis.exists(canaryKey(queues.prefix, token))
      const afterMs = Math.round(performance.now() - begun)
      if (answered === 1) return { kind: 'answered', afterMs }
      if (afterMs >= withinMs) return { kind: 'silent' }
      await sleep(LOOK_EVERY_MS, signal)
    }
  } finally {
    await queue.remove(token)
  }
}
