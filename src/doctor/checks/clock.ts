import { type Check, fail, ok, onMysql, onRedis, type Verdict, warn } from '../check.js'
import { readMysqlTime } from '../mysql-facts.js'
import type { Parts } from '../parts.js'
import { askingRedis } from '../redis-facts.js'
import { timeWords } from '../words.js'

const WARN_MS = 2_000
const FAIL_MS = 30_000

/** How far a server's clock is ahead of this machine's, ms, and how long the answer took: so far the measure may be off. */
export interface Skew {
  readonly of: string
  readonly aheadMs: number
  readonly tookMs: number
}

export const clockSkew: Check = {
  id: 'clock.skew',
  applies: config => onMysql(config) || onRedis(config),
  run: async parts => {
    const skews: Promise<Skew>[] = []
    if (onRedis(parts.config)) skews.push(measure('Redis', () => redisTime(parts)))
    if (onMysql(parts.config)) skews.push(measure('the database', async () => readMysqlTime(await parts.server(), parts.config)))
    return judgeSkew(await Promise.all(skews))
  },
}

export function judgeSkew(skews: readonly Skew[]): Verdict {
  // Half of the answer's time is what cannot be told from a skew.
  const sure = skews.map(skew => ({ ...skew, offMs: Math.max(0, Math.abs(skew.aheadMs) - skew.tookMs / 2) }))
  const worst = Math.max(...sure.map(({ offMs }) => offMs))
  const words = sure.map(({ of, aheadMs, offMs }) => {
    if (offMs <= WARN_MS) return `${of} agrees`
    return `${of} is ${timeWords(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine`
  })
  const evidence = words.join(', ')
  const fix = 'synchronise the clocks, with chrony or systemd-timesyncd'
  if (worst > FAIL_MS) return fail(evidence, fix)
  return worst > WARN_MS ? warn(evidence, fix) : ok(evidence)
}

async function measure(of: string, ask: () => Promise<number>): Promise<Skew> {
  // The first answer may wait for a connection.
  await ask()
  const begun = Date.now()
  const said = await ask()
  const ended = Date.now()
  return { of, aheadMs: said - (begun + ended) / 2, tookMs: ended - begun }
}

async function redisTime(parts: Parts): Promise<number> {
  const redis = await parts.redis()
  const [seconds, micros] = await askingRedis(redis, () => redis.time())
  return Number(seconds) * 1000 + Number(micros) / 1000
}
