import { Failure } from '../kernel/errors.js'

/** What a command on Redis failed with, in feedctl's words: REDIS_FULL where it refuses to take more, else UNAVAILABLE. `who`: `the queue`. */
export function redisFailure(who: string, words: string, cause: unknown): Failure {
  if (isFull(words)) {
    return new Failure('REDIS_FULL', `Redis has no memory left for ${who}: ${words}`, {
      cause,
      hint: 'raise maxmemory of Redis, or take away what else fills it',
    })
  }
  return new Failure('UNAVAILABLE', `${who} does not answer: ${words}`, { cause, hint: 'check REDIS_URL and that Redis runs' })
}

/** Whether the words are those of a Redis that has reached its maxmemory. */
export function isFull(words: string): boolean {
  return /\bOOM\b/.test(words)
}
