import type { App } from '../../src/app.js'
import type { Io } from '../../src/cli/io.js'
import { shellUrl, shownUrl, type TypedUrl } from '../../src/feeds/discovery/address.js'
import type { FirstLook } from '../../src/feeds/discovery/first-look.js'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure, type FailureCode } from '../../src/kernel/errors.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { withFetcher } from './fetching.js'

/** More at once are a bulk: looking at them all would take longer than their first sync. */
export const MAX_LOOKS = 20

/** By URL; without those that were not looked at. */
export type Looks = ReadonlyMap<string, FirstLook>

type Unseen = FirstLook & { readonly kind: 'unseen' }

/** What says nothing about the document itself. */
const NOT_YET: ReadonlySet<FailureCode> = new Set([
  'FEED_TIMEOUT',
  'FEED_UNREACHABLE',
  'FEED_CUT',
  'FEED_LIMITED',
  'FEED_CHALLENGED',
])

/** One look at each of the URLs that the tenant is not subscribed to, when they are not too many. */
export async function lookAt(app: App, io: Io, tenant: Tenant, urls: readonly string[]): Promise<Looks> {
  const { firstLooks, unsubscribed } = await import('../../src/feeds/discovery/first-look.js')
  const fresh = await unsubscribed(app.catalog, tenant, urls)
  if (fresh.length > MAX_LOOKS) io.note(`note: ${fresh.length} URLs are added unseen; at most ${MAX_LOOKS} are looked at`)
  if (fresh.length === 0 || fresh.length > MAX_LOOKS) return new Map()
  const looks = await withFetcher(app.config, fetcher => firstLooks(fetcher, fresh, { signal: io.signal }))
  return new Map(looks.map(look => [look.url, look]))
}

/** @throws {Failure} FEED_NOT_A_FEED when one is a page; the hint is the command that subscribes to what was found instead */
export function refusePages(tenant: Tenant, urls: readonly string[], looks: Looks): void {
  const pages = [...looks.values()].filter(look => look.kind === 'page')
  const [page] = pages
  if (page === undefined) return
  const words = pages.map(({ url, feeds }) => {
    const found = feeds.map(one => (one.title === null ? shownUrl(one.url) : `${shownUrl(one.url)} (${one.title})`))
    return `${shownUrl(url)} is a page, not a feed; ${found.length === 0 ? 'no feed was found from it' : `its feeds: ${found.join(', ')}`}`
  })
  const instead = urls.flatMap(url => feedAt(url, looks)?.url ?? [])
  const hint = instead.length === 0 ? `feedctl feed discover ${shellUrl(page.url)}` : addCommand(tenant, instead)
  throw new Failure('FEED_NOT_A_FEED', words.join('; '), { hint })
}

/**
 * Refuses what ended for good, and what was not seen at an address that is feedctl's guess: that may be a slip of the keyboard.
 * @throws {Failure} why the first of them cannot be read; the hint is the command that subscribes to them all the same
 */
export function refuseHopeless(tenant: Tenant, typed: readonly TypedUrl[], looks: Looks): void {
  const guessed = new Set(typed.filter(each => each.guessed).map(each => each.url))
  const hopeless = unseenOf(looks).filter(({ url, failure }) => failure.code === 'FEED_GONE' || guessed.has(url))
  const [first] = hopeless
  if (first === undefined) return
  const urls = typed.flatMap(({ url }) => feedAt(url, looks)?.url ?? [])
  throw new Failure(first.failure.code, hopeless.map(unseenWords).join('; '), { hint: `${addCommand(tenant, urls)} --unseen` })
}

/** Notes what is added though it was not seen to be a feed. */
export function noteUnseen(io: Io, looks: Looks): void {
  for (const look of unseenOf(looks)) io.note(`note: ${unseenWords(look)} (${look.failure.code})`)
}

/** @throws {Failure} FEED_NOT_A_FEED when a page has no feed */
export function wishesOf(urls: readonly string[], looks: Looks): FeedWish[] {
  return urls.map(url => {
    const wish = feedAt(url, looks)
    if (wish === null)
      throw new Failure('FEED_NOT_A_FEED', `${shownUrl(url)} is a page, not a feed; no feed was found from it`, {
        hint: `feedctl feed discover ${shellUrl(url)}`,
      })
    return wish
  })
}

/** The feed at the URL, or the first found from the page there; null for a page without one. */
function feedAt(url: string, looks: Looks): FeedWish | null {
  const look = looks.get(url)
  if (look?.kind === 'page') {
    const [first] = look.feeds
    return first === undefined ? null : { url: first.url, title: first.title }
  }
  return { url, title: look?.kind === 'feed' ? look.title : null }
}

function unseenOf(looks: Looks): Unseen[] {
  return [...looks.values()].filter(look => look.kind === 'unseen')
}

function unseenWords({ url, failure }: Unseen): string {
  const { code, message } = failure
  const verdict =
    code === 'ADDRESS_REFUSED' ? 'may not be asked' : NOT_YET.has(code) ? 'could not be seen yet' : 'is no readable feed now'
  return `${shownUrl(url)} ${verdict}: ${message}`
}

function addCommand(tenant: Tenant, urls: readonly string[]): string {
  return `feedctl feed add ${tenant.slug} ${[...new Set(urls)].map(shellUrl).join(' ')}`
}
