import { JobSchedules } from '../../queues/index.js'
import { type Check, ok, queueOnRedis, type Verdict, warn } from '../check.js'
import { some, timeWords } from '../words.js'

/** A next time that is over for longer is one that no worker took. */
const LATE_MS = 300_000

export const schedule: Check = {
  id: 'schedule',
  applies: queueOnRedis,
  run: async parts => {
    const schedules = new JobSchedules(parts.queueOptions)
    try {
      return judgeSchedule(await schedules.list(), parts.schedule, Date.now())
    } finally {
      await schedules.close()
    }
  },
}

/** Who has cron begin everything has none: that some are there and others not is never meant. */
export function judgeSchedule(
  standing: readonly { id: string; nextAt: number }[],
  wanted: readonly string[],
  now: number,
): Verdict {
  const missing = wanted.filter(id => !standing.some(each => each.id === id))
  if (missing.length === wanted.length)
    return ok('nothing begins by itself in Redis: cron has to, or feedctl queue supervise without --no-schedule')
  if (missing.length > 0) return warn(`only a part begins by itself: not ${some(missing)}`, 'feedctl queue supervise')
  const late = standing.filter(({ id, nextAt }) => wanted.includes(id) && nextAt < now - LATE_MS)
  if (late.length > 0) {
    const named = some(late.map(({ id, nextAt }) => `${id} since ${timeWords(now - nextAt)}`))
    return warn(`due, and no worker took it: ${named}`, 'feedctl queue supervise')
  }
  return ok(some(standing.map(({ id, nextAt }) => `${id} in ${timeWords(Math.max(0, nextAt - now))}`)))
}
