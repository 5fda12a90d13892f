/** A job of this name does nothing: the worker that takes it writes the answer. Its payload is `{ token }`. */
export const CANARY = 'Canary'

const ANSWER_MS = 60_000

/** Where the answer to the canary with this token is found for a minute. `prefix`: the installation's, bare. */
export function canaryKey(prefix: string, token: string): string {
  return `{${prefix}}:board:canary:${token}`
}

/** Writes the answer. A canary without a token is nobody's. */
export async function answerCanary(
  redis: { set(key: string, value: string, unit: 'PX', ms: number): Promise<unknown> },
  prefix: string,
  token: unknown,
): Promise<void> {
  if (typeof token === 'string') await redis.set(canaryKey(prefix, token), '1', 'PX', ANSWER_MS)
}
