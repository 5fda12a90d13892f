import type { CardQueue, WorkerCard } from '../board.js'
import type { QueueName } from '../names.js'

/** A worker that tells nothing for so long has a blocked event loop, or is stopped. */
export const SILENT_MS = 30_000
/** One that has told nothing yet may still be loading. */
export const STARTING_MS = 60_000
/** One that has free slots and leaves for so long what waits does not consume any more. */
export const STILL_MS = 30_000
/** One that has free slots asks for jobs at least every ten seconds, also where nothing waits. */
export const DEAF_MS = 40_000
/** A look counts for at most this long: while the supervisor itself was held up, nothing was seen. */
const LONGEST_LOOK_MS = 2_000

/** A queue as a worker finds it. */
export interface QueueAsk {
  readonly waiting: boolean
  readonly paused: boolean
}

export type Verdict =
  | { readonly kind: 'well' }
  | { readonly kind: 'frozen' }
  /** It leaves what waits in the queue. */
  | { readonly kind: 'still'; readonly queue: QueueName }
  /** It does not ask the queue for jobs any more; others may do its work. */
  | { readonly kind: 'deaf'; readonly queue: QueueName }

interface QueueHealth {
  readonly taken: number
  readonly looks: number
  readonly stillMs: number
  readonly deafMs: number
}

/** What is remembered of one worker between looks. */
export interface HealthMemory {
  readonly lookedAt: number
  readonly seenAt: number
  readonly silentMs: number
  readonly queues: Readonly<Partial<Record<QueueName, QueueHealth>>>
}

export interface HealthLook {
  readonly now: number
  /** The newest; null before the first. */
  readonly card: WorkerCard | null
  /** Null while Redis does not answer: then nobody is blamed. */
  readonly queues: ReadonlyMap<QueueName, QueueAsk> | null
}

export function freshHealth(now: number): HealthMemory {
  return { lookedAt: now, seenAt: 0, silentMs: 0, queues: {} }
}

/** Whether a worker is alive and consumes. */
export function judge(memory: HealthMemory, look: HealthLook): { readonly verdict: Verdict; readonly memory: HealthMemory } {
  const { now, card, queues } = look
  if (queues === null) return { verdict: { kind: 'well' }, memory: { ...freshHealth(now), seenAt: card?.seenAt ?? 0 } }
  const tookMs = Math.min(LONGEST_LOOK_MS, Math.max(0, now - memory.lookedAt))
  const seenAt = card?.seenAt ?? 0
  const silentMs = seenAt === memory.seenAt ? memory.silentMs + tookMs : 0
  const own = (card?.state === 'working' ? card.queues : []).map(queue => ({
    name: queue.name,
    health: healthOf(queue, memory.queues[queue.name], queues.get(queue.name), tookMs),
  }))
  const frozen = silentMs >= (card === null ? STARTING_MS : SILENT_MS)
  return {
    verdict: frozen ? { kind: 'frozen' } : verdictOf(own),
    memory: { lookedAt: now, seenAt, silentMs, queues: Object.fromEntries(own.map(({ name, health }) => [name, health])) },
  }
}

function verdictOf(queues: readonly { name: QueueName; health: QueueHealth }[]): Verdict {
  const still = queues.find(({ health }) => health.stillMs >= STILL_MS)
  if (still !== undefined) return { kind: 'still', queue: still.name }
  const deaf = queues.find(({ health }) => health.deafMs >= DEAF_MS)
  return deaf === undefined ? { kind: 'well' } : { kind: 'deaf', queue: deaf.name }
}

function healthOf(
  { taken, looks, active, slots }: CardQueue,
  before: QueueHealth | undefined,
  ask: QueueAsk | undefined,
  tookMs: number,
): QueueHealth {
  const idle = before?.taken === taken && active < slots
  const leaves = idle && ask?.waiting === true && !ask.paused
  const asks = before?.looks !== looks
  return {
    taken,
    looks,
    stillMs: leaves ? (before?.stillMs ?? 0) + tookMs : 0,
    deafMs: idle && !asks ? (before?.deafMs ?? 0) + tookMs : 0,
  }
}
