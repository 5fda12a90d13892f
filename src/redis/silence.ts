import type { Redis } from 'ioredis'

/** BullMQ lets Redis think for ten seconds at most. */
const SILENCE_MS = 30_000
/** Counted, and not timed: a process that was stopped itself has heard nothing either. */
const LOOKS = 6

/**
 * Ends each connection of the client on which Redis owes an answer and says nothing for so long: its host is gone without a word, and TCP would wait
 * for a quarter of an hour. The client then connects anew. What ioredis (5.11) has for it, `socketTimeout`, goes on after a connection has
 * ended: it ends the next one, which is sound, and keeps the process from ending.
 */
export function endWhenSilent(redis: Redis, silenceMs = SILENCE_MS): void {
  redis.on('connect', () => {
    const { stream } = redis
    let silentLooks = 0
    stream.on('data', () => {
      silentLooks = 0
    })
    const looking = setInterval(() => {
      silentLooks = owesAnswers(redis) ? silentLooks + 1 : 0
      if (silentLooks > LOOKS) stream.destroy(new Error(`Redis has said nothing for ${silenceMs} ms`))
    }, silenceMs / LOOKS).unref()
    stream.once('close', () => clearInterval(looking))
  })
}

/** Also to commands that have given up waiting. */
function owesAnswers(redis: Redis): boolean {
  const { commandQueue } = redis as unknown as { readonly commandQueue: { readonly length: number } }
  return commandQueue.length > 0
}
