import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import type { FirstLook } from '../../src/feeds/discovery/first-look.js'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { withFetcher } from './fetching.js'
import { tenantNamed } from './tenant.js'

/** More at once are a bulk: looking at them all would take longer than their first sync. */
const MAX_LOOKS = 20

export function registerAdd(feed: Command, io: Io): void {
  const add = feed
    .command('add')
    .description('subscribe a tenant to feeds: to all of these, or, when one cannot be, to none')
    .argument('<tenant>')
    .argument('<url...>')
    .option('--discover', 'for the URL of a page, subscribe to the first feed found from it')
    .option('--unseen', `do not look at the URLs first (more than ${MAX_LOOKS} are not looked at anyway)`)
    .action(async (slug, texts, options) => {
      if (options.discover === true && options.unseen === true)
        throw new Failure('USAGE', '--discover and --unseen exclude each other')
      if (options.discover === true && texts.length > MAX_LOOKS)
        throw new Failure('USAGE', `--discover looks at ${MAX_LOOKS} URLs at most`)
      const { parseFeedUrl } = await import('../../src/feeds/urls.js')
      const urls = texts.map(parseFeedUrl)
      await using app = await opening(io)
      const tenant = await tenantNamed(app, slug)
      const looks = options.unseen === true ? new Map<string, FirstLook>() : await lookAt(app, io, tenant, urls)
      if (options.discover !== true) refusePages(tenant, urls, looks)
      await subscribe(app, io, tenant, wishesOf(urls, looks), true)
    })
  examples(add, [
    'feedctl feed add acme https://example.com/feed.xml https://example.org/atom.xml',
    'feedctl feed add acme https://blog.example.com/ --discover',
  ])
}

/** Subscribes and prints what came of it. `refuseKnown`: it is a failure when the tenant has them all already. */
export async function subscribe(
  app: App,
  io: Io,
  tenant: Tenant,
  wishes: readonly FeedWish[],
  refuseKnown: boolean,
): Promise<void> {
  const { addFeeds } = await import('../../src/feeds/subscriptions.js')
  const { added, existing } = await addFeeds(app.catalog, tenant, wishes, { maxFeeds: app.config.maxFeeds })
  const urls = (list: readonly { url: string }[]) => list.map(wish => wish.url)
  if (refuseKnown && added.length === 0 && existing.length > 0) {
    throw new Failure('FEED_EXISTS', `tenant ${tenant.slug} has ${urls(existing).join(', ')} already`, {
      hint: `feedctl feed list ${tenant.slug}`,
    })
  }
  io.print({ tenant: tenant.slug, added: urls(added), existing: urls(existing) }, value => {
    const had = value.existing.length === 0 ? '' : `, ${value.existing.length} it had already`
    return `${counted(value.added.length, 'feed')} added to ${value.tenant}${had}; \`feedctl sync ${value.tenant}\` fetches them`
  })
}

/** What one look at the new ones among the URLs shows; a URL that cannot be seen now is only noted. */
async function lookAt(app: App, io: Io, tenant: Tenant, urls: readonly string[]): Promise<Map<string, FirstLook>> {
  const { firstLooks, unsubscribed } = await import('../../src/feeds/discovery/first-look.js')
  const fresh = await unsubscribed(app.catalog, tenant, urls)
  if (fresh.length > MAX_LOOKS) io.note(`note: ${fresh.length} URLs are added unseen; at most ${MAX_LOOKS} are looked at`)
  if (fresh.length === 0 || fresh.length > MAX_LOOKS) return new Map()
  const looks = await withFetcher(app.config, fetcher => firstLooks(fetcher, fresh, { signal: io.signal }))
  for (const look of looks)
    if (look.kind === 'unseen') io.note(`note: ${look.url} could not be seen yet: ${look.failure.message} (${look.failure.code})`)
  return new Map(looks.map(look => [look.url, look]))
}

/** @throws {Failure} FEED_NOT_A_FEED when one is a page; the hint is the command that subscribes to what was found instead */
function refusePages(tenant: Tenant, urls: readonly string[], looks: ReadonlyMap<string, FirstLook>): void {
  const pages = [...looks.values()].filter(look => look.kind === 'page')
  if (pages.length === 0) return
  const words = pages.map(({ url, feeds }) => {
    const found = feeds.map(one => (one.title === null ? one.url : `${one.url} (${one.title})`))
    return `${url} is a page, not a feed; ${found.length === 0 ? 'no feed was found from it' : `its feeds: ${found.join(', ')}`}`
  })
  const instead = [...new Set(urls.flatMap(url => feedAt(url, looks)?.url ?? []))]
  const [page] = pages
  const hint =
    instead.length === 0
      ? `feedctl feed discover ${shellWord(page?.url ?? '')}`
      : `feedctl feed add ${tenant.slug} ${instead.map(shellWord).join(' ')}`
  throw new Failure('FEED_NOT_A_FEED', words.join('; '), { hint })
}

/** @throws {Failure} FEED_NOT_A_FEED when a page has no feed */
function wishesOf(urls: readonly string[], looks: ReadonlyMap<string, FirstLook>): FeedWish[] {
  return urls.map(url => {
    const wish = feedAt(url, looks)
    if (wish === null)
      throw new Failure('FEED_NOT_A_FEED', `${url} is a page, not a feed; no feed was found from it`, {
        hint: `feedctl feed discover ${shellWord(url)}`,
      })
    return wish
  })
}

/** The feed at the URL, or the first found from the page there; null for a page without one. */
function feedAt(url: string, looks: ReadonlyMap<string, FirstLook>): FeedWish | null {
  const look = looks.get(url)
  if (look?.kind === 'page') {
    const [first] = look.feeds
    return first === undefined ? null : { url: first.url, title: first.title }
  }
  return { url, title: look?.kind === 'feed' ? look.title : null }
}

/** A URL as a shell takes it. */
function shellWord(url: string): string {
  return /^[\w./:@%+,=~-]*$/.test(url) ? url : `'${url.replaceAll("'", '%27')}'`
}
