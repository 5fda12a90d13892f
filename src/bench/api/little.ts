/** Beginning and ending, and what a generator does between an answer and the next request, are in the times of users and in no request's. */
const APART = 0.2

/**
 * In a closed loop someone always waits: the times of all requests together are those for which users were there. Where they are further apart, requests are missing
 * or times are wrong.
 * @param waitedMs of all requests, the lost ones too
 * @param presentMs of all users, each from the first request to the last answer
 * @see Little's law
 */
export function littleFault(waitedMs: number, presentMs: number): string[] {
  if (Math.abs(waitedMs - presentMs) <= presentMs * APART) return []
  const part = presentMs === 0 ? 0 : Math.round((waitedMs / presentMs) * 100)
  return [`the times of all requests come to ${part} % of those that users waited: some are missing, or wrong`]
}
