/** How many deeds go on at once, over all and for one host. */
export interface Turns {
  readonly total: number
  readonly perHost: number
}

/**
 * Does the deed for every item, host by host in turn, so that the many feeds of a slow host do not keep those of others waiting.
 * Waits for all, then throws the first failure: nothing goes on behind the caller's back.
 */
export async function inTurns<T>(
  items: readonly T[],
  hostOf: (item: T) => string,
  { total, perHost }: Turns,
  deed: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = new Map<string, T[]>()
  for (const item of items) {
    const host = hostOf(item)
    const queue = waiting.get(host)
    if (queue === undefined) waiting.set(host, [item])
    else queue.push(item)
  }
  for (const queue of waiting.values()) queue.reverse()
  const failures: unknown[] = []
  const active = new Map<string, number>()
  // Hosts that may begin another one, in the order of their turns.
  const ready = [...waiting.keys()]
  let running = 0
  await new Promise<void>(resolve => {
    const begin = (host: string, item: T) => {
      running++
      active.set(host, (active.get(host) ?? 0) + 1)
      deed(item)
        .catch(error => failures.push(error))
        .finally(() => {
          running--
          const before = active.get(host) ?? 0
          active.set(host, before - 1)
          if (before === perHost && (waiting.get(host)?.length ?? 0) > 0) ready.push(host)
          next()
        })
    }
    const next = () => {
      while (running < total) {
        const host = ready.shift()
        if (host === undefined) break
        const item = waiting.get(host)?.pop()
        if (item === undefined) continue
        begin(host, item)
        if ((active.get(host) ?? 0) < perHost && (waiting.get(host)?.length ?? 0) > 0) ready.push(host)
      }
      if (running === 0) resolve()
    }
    next()
  })
  if (failures.length > 0) throw failures[0]
}
