import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { EventChoices } from './event-choices.js'

const LINES_AT_ONCE = 1_000
const DAY_MS = 86_400_000

export interface FileShape {
  readonly events: number
  readonly posts: number
  readonly visitors: number
}

/** Writes events as LOAD DATA reads rows of the table `events`, in the order of its key: any other would make the server split its pages. @throws the signal's reason */
export async function writeRawRows(
  path: string,
  tenants: readonly number[],
  shape: FileShape,
  signal: AbortSignal,
): Promise<void> {
  const choices = new EventChoices(2, shape.posts, shape.visitors)
  const now = Date.now()
  const day = Math.floor(now / DAY_MS)
  await writeLines(path, shape.events, signal, n => {
    const tenant = tenants[Math.floor((n * tenants.length) / shape.events)]
    const [kind, post, at] = [choices.kind(), choices.post(), choices.time(now)]
    const visitor = choices.visitor().toString(16).padStart(16, '0')
    return `${tenant}\t${day}\t${n + 1}\t${at}\t${kind}\t${post}\t${visitor}\t\\N\n`
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
