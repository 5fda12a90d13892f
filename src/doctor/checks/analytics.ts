import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backlog } from '../../analytics/log/driver.js'
import type { Config } from '../../kernel/config.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { timeWords } from '../words.js'

/** Counting that is not this far behind may only be busy. */
const LATE_MS = 300_000
/** Of what may wait: intake refuses soon. */
const NEARLY_FULL = 0.8
const MEBIBYTE = 1024 * 1024

export const analyticsBacklog: Check = {
  id: 'analytics.backlog',
  run: async parts => judgeBacklog(await (await parts.events()).backlog(), parts.config, Date.now()),
}

export const analyticsDamaged: Check = {
  id: 'analytics.damaged',
  run: async ({ config: { data } }) => judgeDamaged(join(data, 'analytics'), await damagedIn(join(data, 'analytics'))),
}

/** Names of the journal's files that could not be read to their end; none where there is no journal. */
async function damagedIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(name => name.startsWith('damaged.')).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function judgeDamaged(folder: string, damaged: readonly string[]): Verdict {
  const [oldest] = damaged
  if (oldest === undefined) return ok('no file of the journal is damaged')
  const files =
    damaged.length === 1
      ? `1 file of the journal holds events that cannot be read: `
      : `${damaged.length} files of the journal hold events that cannot be read, the oldest is `
  return warn(
    `${files}${join(folder, oldest)}; all others are counted`,
    'look at the disk, and at the log, which says why; then move it out of the folder',
  )
}

export function judgeBacklog(
  { batches, bytes, oldestAt }: Backlog,
  { analyticsBacklogMb, analyticsDelayS }: Pick<Config, 'analyticsBacklogMb' | 'analyticsDelayS'>,
  now: number,
): Verdict {
  if (batches === 0) return ok('no events wait to be counted')
  const waits = oldestAt === null ? 0 : Math.max(0, now - oldestAt)
  const size = `${Math.round(bytes / MEBIBYTE)} of ${analyticsBacklogMb} MiB`
  const words = `${batches === 1 ? '1 batch' : `${batches} batches`} of events wait to be counted, the oldest for ${timeWords(waits)} (${size})`
  const fix = 'feedctl analytics flush; its failures, and its log, name what keeps events from being counted'
  if (bytes > NEARLY_FULL * analyticsBacklogMb * MEBIBYTE) return fail(`${words}: intake refuses events when it is full`, fix)
  return waits > LATE_MS + analyticsDelayS * 1000 ? warn(words, fix) : ok(words)
}
