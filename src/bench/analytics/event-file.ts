import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Caller } from '../api/population.js'
import { EventChoices } from './event-choices.js'

const LINES_AT_ONCE = 1_000
const DAY_MS = 86_400_000

export interface FileShape {
  readonly events: number
  readonly posts: number
  readonly visitors: number
}

/** Writes events, one JSON line each, of all tenants in turn; answers how many are of each. @throws the signal's reason */
export async function writeEventLines(
  path: string,
  callers: readonly Caller[],
  shape: FileShape,
  signal: AbortSignal,
): Promise<Map<number, number>> {
  const choices = new EventChoices(2, shape.posts, shape.visitors)
  const now = Date.now()
  await writeLines(path, shape.events, signal, n => {
    const { slug } = callers[n % callers.length] as Caller
    return `{"tenant":"${slug}","kind":"${choices.kind()}","post_id":${choices.post()},"visitor":"v${choices.visitor()}","at":${choices.time(now)}}\n`
  })
  const each = Math.floor(shape.events / callers.length)
  return new Map(callers.map(({ id }, n) => [id, each + (n < shape.events % callers.length ? 1 : 0)]))
}

/** Writes the same events as LOAD DATA reads rows of the table `events`. @throws the signal's reason */
export async function writeRawRows(
  path: string,
  tenants: readonly number[],
  shape: FileShape,
  signal: AbortSignal,
): Promise<void> {
  const choices = new EventChoices(2, shape.posts, shape.visitors)
  const now = Date.now()
  await writeLines(path, shape.events, signal, n => {
    const [kind, post, at] = [choices.kind(), choices.post(), choices.time(now)]
    const visitor = choices.visitor().toString(16).padStart(16, '0')
    return `${tenants[n % tenants.length]}\t${Math.floor(at / DAY_MS)}\t${n + 1}\t${at}\t${kind}\t${post}\t${visitor}\t\\N\n`
  })
}

async function writeLines(path: string, count: number, signal: AbortSignal, line: (n: number) => string): Promise<void> {
  const file = createWriteStream(path)
  try {
    for (let from = 0; from < count; from += LINES_AT_ONCE) {
      signal.throwIfAborted()
      let text = ''
      for (let n = from; n < Math.min(count, from + LINES_AT_ONCE); n++) text += line(n)
      if (!file.write(text)) await once(file, 'drain')
    }
    file.end()
    await once(file, 'close')
  } finally {
    file.destroy()
  }
}
