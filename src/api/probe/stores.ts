import { gunzipSync, inflateRawSync } from 'node:zlib'
import type { App } from '../../app.js'
import { Failure } from '../../kernel/errors.js'
import { tenantPrefix } from '../../media/names.js'
import { getTenant } from '../../tenants/tenant.js'
import { exportTenant } from '../../tenants/transfer/export.js'
import type { Canary } from './canaries.js'
import type { Sightings } from './sightings.js'

/** A canary's file has less than this. */
const MOST_BYTES = 64 * 1024
/** What Redis holds may be very much: then a part of it is looked through. */
const REDIS_BUDGET_MS = 20_000

/** All rows that are the tenant's for the command line, as `feedctl tenant export` gives them out. */
export async function lookAtRows(app: App, canary: Canary, sightings: Sightings, signal: AbortSignal): Promise<void> {
  const chunks: Buffer[] = []
  const tenant = await getTenant(app.catalog, canary.tenant.slug)
  await exportTenant(app.catalog, tenant, async chunk => chunks.push(chunk), { signal, version: 'probe' })
  const text = gunzipSync(Buffer.concat(chunks)).toString()
  sightings.look('rows', 'tenant export', canary, text)
  sightings.expect('tenant export', canary, text.includes(canary.marker))
}

/** Names and bytes below the tenant's prefix, on every disk there is. */
export async function lookAtDisks(app: App, canary: Canary, sightings: Sightings, signal: AbortSignal): Promise<void> {
  const { local, wasabi, target } = await app.disks()
  for (const disk of wasabi === null ? [local] : [local, wasabi]) {
    let isSeen = false
    for await (const { key, bytes } of disk.list(tenantPrefix(canary.tenant.id), null, signal)) {
      sightings.look('objects', `${disk.name}: name of an object`, canary, key)
      if (bytes > MOST_BYTES) continue
      const reading = await disk.read(key, null, signal)
      const text = reading === null ? '' : Buffer.concat(await reading.stream.toArray()).toString()
      sightings.look('objects', `${disk.name}: bytes of an object`, canary, text)
      isSeen ||= text.includes(canary.marker)
    }
    if (disk === target) sightings.expect(disk.name, canary, isSeen)
  }
}

/**
 * What processes share in Redis: what is kept of a tenant's answers holds nothing of another's, and jobs hold numbers and no data. Answers in words what there was
 * no time for, and that there are no jobs where each process has a queue of its own. @throws {Failure} UNAVAILABLE; the signal's reason
 */
export async function lookAtRedis(
  app: App,
  canaries: readonly Canary[],
  sightings: Sightings,
  signal: AbortSignal,
  budgetMs = REDIS_BUDGET_MS,
): Promise<string[]> {
  const { config, log } = app
  const unlooked = config.queueConnection === 'redis' ? [] : ['jobs: no queue is shared (QUEUE_CONNECTION=sync)']
  if (config.cacheDriver !== 'redis' && config.queueConnection !== 'redis') return unlooked
  const [{ openRedis }, { valuesIn }] = await Promise.all([import('../../redis/connection.js'), import('../../redis/values.js')])
  const holderOf = (key: string) => canaries.find(({ tenant }) => key.includes(`answer:${tenant.id}:`))
  const isJob = (key: string) => key.startsWith('{')
  const withJob = new Set<Canary>()
  const end = Date.now() + budgetMs
  const redis = openRedis(config, log, 'cache')
  try {
    // What is kept of answers first: it is little, and jobs may be very many.
    for (const wants of [(key: string) => holderOf(key) !== undefined, isJob]) {
      for await (const page of valuesIn(redis, config.redisPrefix, wants)) {
        signal.throwIfAborted()
        for (const { key, bytes } of page) {
          const text = unpacked(bytes)
          const holder = holderOf(key)
          if (holder !== undefined) {
            sightings.look('keys', 'redis: a kept answer', holder, text)
            continue
          }
          const owner = canaries.find(({ tenant }) => tenant.id === tenantOfJob(text)) ?? null
          sightings.lookForAny('jobs', `redis: ${key}`, text, owner)
          if (owner !== null) withJob.add(owner)
        }
        if (Date.now() > end) return [...unlooked, `redis: what was not looked through after ${Math.round(budgetMs / 1_000)} s`]
      }
    }
    if (config.queueConnection === 'redis')
      for (const canary of canaries) sightings.expect('redis: its job', canary, withJob.has(canary))
    return unlooked
  } catch (error) {
    signal.throwIfAborted()
    throw new Failure('UNAVAILABLE', 'Redis does not answer', { cause: error, hint: 'check REDIS_URL and that Redis runs' })
  } finally {
    redis.disconnect()
  }
}

/** The number that the payload of a job has; null where there is none, or it is no payload. */
function tenantOfJob(text: string): unknown {
  try {
    return (JSON.parse(text) as { tenantId?: unknown } | null)?.tenantId ?? null
  } catch {
    return null
  }
}

/** A kept answer is a line of facts and what is packed behind it; anything else is text. */
function unpacked(bytes: Buffer): string {
  try {
    return inflateRawSync(bytes.subarray(bytes.indexOf(10) + 1)).toString()
  } catch {
    return bytes.toString()
  }
}
