import type { App } from '../../app.js'
import { type Failure, isFailure } from '../../kernel/errors.js'
import { randomToken } from '../../kernel/hash.js'
import { parseSlug, type TenantSlug } from '../../tenants/ids.js'
import { withLock } from '../../tenants/locks.js'
import { createTenant } from '../../tenants/provision.js'
import { serveApi } from '../server.js'
import { lookAtAnswers, lookAtLinks, tryToChange } from './answers.js'
import { Asker } from './asking.js'
import { CANARY_FEEDS, type Canary, newMarker, plant, plantJobs } from './canaries.js'
import { tenantRoutes } from './routes.js'
import { type Leak, Sightings } from './sightings.js'
import { lookAtDisks, lookAtRedis, lookAtRows } from './stores.js'

/** What the slugs of canaries start with. A customer's may too: it is the mark on its row that makes a canary. */
const CANARY_SLUGS = 'leak-probe-'

const DRAIN_MS = 1_000
const TENANTS_PER_PAGE = 100

export interface ProbeWish {
  /** The running API that is asked; null asks one of this process, on a port of its own. */
  readonly url: string | null
  /** Tenants in each kind of placement on each host; 2 or more see each other there. */
  readonly count: number
  /** Whether they stay, until the next probe. */
  readonly keep: boolean
}

export interface ProbeParts {
  /** Removes tenants with all there is of them, whatever their state. */
  readonly remove: (slugs: readonly TenantSlug[], signal: AbortSignal) => Promise<unknown>
  readonly signal: AbortSignal
  /** Called with the pairs that were looked at, of those there are. */
  readonly progress?: (pairs: number, total: number) => void
}

export interface ProbeReport {
  /** What was asked; null when it was an API of this process. */
  readonly url: string | null
  readonly tenants: readonly { readonly slug: string; readonly placement: string; readonly host: string }[]
  readonly pairs: number
  readonly routes: number
  /** How often something of one tenant was looked through for another's, by where it was. */
  readonly looks: Readonly<Record<string, number>>
  readonly leaks: readonly Leak[]
  /** Where a tenant did not see its own: there the probe shows nothing. */
  readonly blind: readonly string[]
  /** What was not looked at, or not all of it, and why: full hosts, what there was no time for. */
  readonly unlooked: readonly string[]
  /** Tenants that an earlier probe had left, and this one removed. */
  readonly leftBefore: number
  /** Why some of its own tenants are still there, which is no reason to withhold what they saw; null where all are gone, or were to stay. */
  readonly unremoved: Error | null
}

/**
 * Makes tenants that each have a marker in everything, and looks for each one's by way of every other: its API, the files it gets links to, the rows that commands
 * see, disks and Redis. They are removed at the end, also after a failure or an interruption; what a killed probe left, or could not remove, the next one removes.
 * @throws {Failure} LOCKED while another probe runs, HOST_FULL when there is no room for two, UNAVAILABLE; the signal's reason
 */
export function probeForLeaks(app: App, wish: ProbeWish, parts: ProbeParts): Promise<ProbeReport> {
  return withLock(app.catalog, 'leak probe', async lost => {
    const signal = AbortSignal.any([parts.signal, lost])
    const leftBefore = await removeAll(app, parts, signal)
    const probed = await probe(app, wish, { ...parts, signal }).then(
      report => ({ report, error: null }),
      error => ({ report: null, error }),
    )
    // Not by the signal: what was made goes before anybody leaves.
    const unremoved = wish.keep ? null : await removeAll(app, parts, lost).then(() => null, asError)
    if (probed.report !== null) return { ...probed.report, leftBefore, unremoved }
    if (unremoved !== null) app.log.warn('tenants of the leak probe are left', { why: unremoved.message })
    throw probed.error
  })
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

async function probe(app: App, wish: ProbeWish, parts: ProbeParts): Promise<Omit<ProbeReport, 'leftBefore' | 'unremoved'>> {
  const { signal } = parts
  const { canaries, full } = await plantAll(app, wish.count, signal)
  await plantJobs(app, canaries, signal)
  const sightings = new Sightings(canaries)
  const api = wish.url === null ? await serveApi(app, { host: '127.0.0.1', port: 0 }) : null
  try {
    const asker = new Asker(api?.url ?? wish.url ?? '', signal)
    const routes = await tenantRoutes(asker)
    const pairs = canaries.flatMap(reader => canaries.filter(owner => owner !== reader).map(owner => ({ reader, owner })))
    for (const [index, pair] of pairs.entries()) {
      await lookAtAnswers(asker, routes, pair, sightings)
      await tryToChange(asker, routes, pair, sightings)
      await lookAtLinks(asker, pair, sightings)
      parts.progress?.(index + 1, pairs.length)
    }
    for (const canary of canaries) {
      await lookAtRows(app, canary, sightings, signal)
      await lookAtDisks(app, canary, sightings, signal)
    }
    const unlooked = [...full, ...(await lookAtRedis(app, canaries, sightings, signal))]
    const tenants = canaries.map(({ tenant: { slug, placement } }) => ({ slug, placement: placement.kind, host: placement.host }))
    const { looks, leaks, blind } = sightings
    return { url: wish.url, tenants, pairs: pairs.length, routes: routes.length, looks, leaks, blind, unlooked }
  } finally {
    await api?.stop(DRAIN_MS)
  }
}

/** In every kind of placement on every host that takes new tenants; `full` names those where there is no room. @throws {Failure} HOST_FULL where there is none for two */
async function plantAll(app: App, count: number, signal: AbortSignal): Promise<{ canaries: Canary[]; full: string[] }> {
  const hosts = await app.catalog.kysely.selectFrom('hosts').select('name').where('state', '=', 'open').orderBy('name').execute()
  const run = randomToken()
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 8)
    .toLowerCase()
  const places = hosts.flatMap(host => (['shared', 'dedicated'] as const).map(placement => ({ host: host.name, placement })))
  const canaries: Canary[] = []
  const full = new Map<string, Failure>()
  for (const { host, placement } of places) {
    for (let number = 0; number < count; number++) {
      signal.throwIfAborted()
      if (full.has(host)) continue
      const slug = parseSlug(`${CANARY_SLUGS}${run}-${canaries.length}`)
      const wanted = { slug, name: slug, placement, host, isCanary: true }
      const made = await createTenant(app.catalog, app.config.databasePrefix, wanted, async () => null).catch(error =>
        isFailure(error, 'HOST_FULL') ? error : Promise.reject(error),
      )
      if (isFailure(made)) full.set(host, made)
      else canaries.push(await plant(app, { ...made, marker: newMarker() }, canaries.length, signal))
    }
  }
  const [refusal] = full.values()
  if (canaries.length < 2 && refusal !== undefined) throw refusal
  return { canaries, full: [...full].map(([host, { message }]) => `host ${host}: ${message}`) }
}

/** How many there were. What they had is nobody's, so that no receipts are kept of them. */
async function removeAll({ catalog }: App, { remove }: ProbeParts, signal: AbortSignal): Promise<number> {
  let removed = 0
  for (;;) {
    const page = await catalog.kysely
      .selectFrom('tenants')
      .select(['id', 'slug'])
      .where('slug', 'like', `${CANARY_SLUGS}%`)
      .where('canary', '=', 1)
      .orderBy('slug')
      .limit(TENANTS_PER_PAGE)
      .execute()
    await remove(
      page.map(({ slug }) => parseSlug(slug)),
      signal,
    )
    removed += page.length
    const ids = page.map(({ id }) => id)
    if (ids.length > 0)
      await catalog.kysely.deleteFrom('receipts').where('tenant_id', 'in', ids).where('removed_at', 'is not', null).execute()
    if (page.length < TENANTS_PER_PAGE) break
  }
  await catalog.kysely.deleteFrom('sources').where('url', 'like', `${CANARY_FEEDS}%`).execute()
  return removed
}
