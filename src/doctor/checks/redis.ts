import { type Check, fail, ok, onRedis, queueOnRedis, type Verdict, warn } from '../check.js'
import type { Parts } from '../parts.js'
import { askingRedis, type NodeFacts, setOnNodes } from '../redis-facts.js'
import { sizeWords, some } from '../words.js'

const FLOOR: readonly [major: number, minor: number] = [6, 2]
const MEMORY_WARN = 0.8
const MEMORY_FAIL = 0.95

export const redisReachable: Check = {
  id: 'redis.reachable',
  applies: onRedis,
  blind: 'fail',
  run: async parts => {
    const begun = performance.now()
    const redis = await parts.redis()
    await askingRedis(redis, () => redis.ping())
    const { config } = parts
    const where =
      config.redisClusterNodes.length > 0
        ? `the cluster of ${config.redisClusterNodes.join(', ')}`
        : config.redisUrl === null
          ? `${config.redisHost}:${config.redisPort}`
          : 'Redis at REDIS_URL'
    return ok(`${where} answers in ${Math.ceil(performance.now() - begun)} ms`)
  },
}

export const redisVersion: Check = {
  id: 'redis.version',
  applies: onRedis,
  run: async parts => judgeVersions(await parts.redisNodes()),
}

export function judgeVersions(nodes: readonly NodeFacts[]): Verdict {
  const old = nodes.filter(({ version }) => {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    return major < FLOOR[0] || (major === FLOOR[0] && minor < FLOOR[1])
  })
  if (old.length > 0) return fail(`Redis ${some(old.map(named('version')))}; feedctl needs ${FLOOR.join('.')}`, 'upgrade Redis')
  return ok(`Redis ${[...new Set(nodes.map(({ version }) => version))].join(', ')}`)
}

export const redisAppendOnly: Check = {
  id: 'redis.append-only',
  applies: onRedis,
  run: async parts => judgeAppendOnly(await parts.redisNodes(), queueOnRedis(parts.config)),
  mend: async parts => {
    const off = (await parts.redisNodes()).filter(({ appendOnly }) => !appendOnly)
    return queueOnRedis(parts.config) ? settingMend(parts, off, 'appendonly', 'yes') : null
  },
}

export function judgeAppendOnly(nodes: readonly NodeFacts[], holdsQueue: boolean): Verdict {
  const off = nodes.filter(({ appendOnly }) => !appendOnly)
  if (!holdsQueue) return ok('only the cache is on Redis: it may be lost')
  if (off.length > 0) {
    const where = some(off.map(({ node }) => node))
    return warn(
      `no append-only file on ${where}: a restart loses the queues`,
      // A restart with the file named and not there begins empty.
      'feedctl doctor --fix, and only then appendonly yes in redis.conf',
    )
  }
  const lazy = nodes.filter(({ appendFsync }) => appendFsync === 'no')
  if (lazy.length > 0) {
    const where = some(lazy.map(({ node }) => node))
    return warn(
      `appendfsync is no on ${where}: a power cut loses half a minute of the queues`,
      'appendfsync everysec in redis.conf',
    )
  }
  const [first] = nodes
  return ok(`append-only file, appendfsync ${first?.appendFsync ?? 'not told'}`)
}

export const redisEvictionPolicy: Check = {
  id: 'redis.eviction-policy',
  applies: onRedis,
  run: async parts => judgePolicy(await parts.redisNodes(), queueOnRedis(parts.config)),
  mend: async parts => {
    const evicting = (await parts.redisNodes()).filter(({ policy }) => policy !== 'noeviction')
    return queueOnRedis(parts.config) ? settingMend(parts, evicting, 'maxmemory-policy', 'noeviction') : null
  },
}

export function judgePolicy(nodes: readonly NodeFacts[], holdsQueue: boolean): Verdict {
  const evicting = nodes.filter(({ policy }) => policy !== 'noeviction')
  if (!holdsQueue) return ok(`${nodes[0]?.policy}: only the cache is on Redis`)
  if (evicting.length === 0) return ok('noeviction')
  return fail(
    `maxmemory-policy is ${some(evicting.map(named('policy')))}: Redis may throw jobs away`,
    'maxmemory-policy noeviction in redis.conf, or feedctl doctor --fix',
  )
}

export const redisMemory: Check = {
  id: 'redis.memory',
  applies: onRedis,
  run: async parts => judgeMemory(await parts.redisNodes()),
}

export function judgeMemory(nodes: readonly NodeFacts[]): Verdict {
  const shareOf = ({ usedBytes, maxBytes }: NodeFacts) => (maxBytes === 0 ? 0 : usedBytes / maxBytes)
  const [fullest] = nodes.toSorted((a, b) => shareOf(b) - shareOf(a) || b.usedBytes - a.usedBytes)
  if (fullest === undefined || fullest.maxBytes === 0) return ok(`${sizeWords(fullest?.usedBytes ?? 0)} used, no maxmemory`)
  const share = shareOf(fullest)
  const percent = Math.floor(share * 100)
  const evidence = `${sizeWords(fullest.usedBytes)} of ${sizeWords(fullest.maxBytes)} used (${percent} %) on ${fullest.node}`
  if (share <= MEMORY_WARN) return ok(evidence)
  const fix = 'raise maxmemory, or give the cache a Redis of its own'
  return share > MEMORY_FAIL ? fail(evidence, fix) : warn(evidence, fix)
}

function named(key: 'version' | 'policy'): (facts: NodeFacts) => string {
  return facts => `${facts[key]} on ${facts.node}`
}

/** CONFIG SET lasts until Redis is started again. */
async function settingMend(parts: Parts, nodes: readonly NodeFacts[], name: string, value: string) {
  if (nodes.length === 0) return null
  const names = nodes.map(({ node }) => node)
  return {
    deed: `set ${name} to ${value} on ${names.join(', ')}`,
    apply: async () => {
      await setOnNodes(await parts.redis(), names, name, value)
      return `${name} is ${value} on ${names.join(', ')} until it is started again: write "${name} ${value}" into redis.conf too`
    },
  }
}
