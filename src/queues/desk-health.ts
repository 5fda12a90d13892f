import type { WorkerCard } from './board.js'
import type { CanaryAnswer, QueueHealth } from './desk.js'
import type { QueueName } from './names.js'

/** What was seen of a queue while a canary waited in it. */
export interface Watched {
  readonly queue: QueueName
  readonly withinMs: number
  readonly answer: CanaryAnswer
  /** Cards of the workers when the canary was sent, and when it was answered or given up. */
  readonly before: readonly WorkerCard[]
  readonly after: readonly WorkerCard[]
}

export function workersOf(queue: QueueName, cards: readonly WorkerCard[]): WorkerCard[] {
  return cards.filter(card => card.queues.some(({ name }) => name === queue))
}

/** A worker lives when it has renewed its card meanwhile: so nobody's clock matters. */
export function judgeHealth({ queue, withinMs, answer, before, after }: Watched): QueueHealth {
  const verdict = (consuming: boolean, why: string) => ({ queue, consuming, afterMs: null, why })
  if (answer.kind === 'paused') return verdict(false, 'paused')
  if (answer.kind === 'answered') return { queue, consuming: true, afterMs: answer.afterMs, why: 'a worker has taken a job' }
  const seen = new Map(before.map(card => [card.id, card.seenAt]))
  const alive = workersOf(queue, after).filter(card => card.seenAt > (seen.get(card.id) ?? Number.NEGATIVE_INFINITY))
  const waited = `${Math.round(withinMs / 1000)} s`
  if (alive.length === 0) return verdict(false, `no worker has given a sign of life for ${waited}`)
  const takers = alive.filter(card => card.state === 'working')
  if (takers.length === 0) return verdict(false, `its workers take nothing: ${alive[0]?.state}`)
  const shares = takers.flatMap(card => card.queues.filter(({ name }) => name === queue))
  const slots = shares.reduce((sum, share) => sum + share.slots, 0)
  const free = shares.reduce((sum, share) => sum + Math.max(0, share.slots - share.active), 0)
  if (free === 0) return verdict(true, slots === 1 ? 'its one slot is busy' : `all ${slots} slots are busy`)
  return verdict(false, `${free} of ${slots} slots are free, and took nothing for ${waited}`)
}
