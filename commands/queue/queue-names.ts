import { Failure } from '../../src/kernel/errors.js'
import { nearest } from '../../src/kernel/nearest.js'
import type { QueueName } from '../../src/queues/index.js'

/** Reads `sync,media`; every queue when nothing was typed. @throws {Failure} USAGE */
export async function queueNames(typed: string | undefined): Promise<QueueName[]> {
  const { isQueueName, QUEUES } = await import('../../src/queues/index.js')
  if (typed === undefined) return [...QUEUES]
  const words = typed.split(',').map(word => word.trim())
  for (const word of words) {
    if (isQueueName(word)) continue
    const near = nearest(word, QUEUES)
    throw new Failure('USAGE', `there is no queue '${word}'`, {
      hint: near === null ? `one of ${QUEUES.join(', ')}` : `--queue ${near}`,
    })
  }
  return [...new Set(words.filter(isQueueName))]
}
