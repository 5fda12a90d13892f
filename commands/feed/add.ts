import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { shownUrl, type TypedUrl, typedUrl } from '../../src/feeds/discovery/address.js'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { lookAt, MAX_LOOKS, noteUnseen, refuseHopeless, refusePages, wishesOf } from './looking.js'
import { tenantNamed } from './tenant.js'

/** URLs that one message names. */
const MAX_SHOWN = 5

export function registerAdd(feed: Command, io: Io): void {
  const add = feed
    .command('add')
    .description('subscribe a tenant to feeds: to all of these, or, when one cannot be, to none')
    .argument('<tenant>')
    .argument('<url...>', 'of feeds; https:// may be left out before a host name that is looked at')
    .option('--discover', 'for the URL of a page, subscribe to the first feed found from it')
    .option('--unseen', `do not look at the URLs first (more than ${MAX_LOOKS} are not looked at anyway)`)
    .action(async (slug, texts, { discover = false, unseen = false }) => {
      if (discover && unseen)
        throw new Failure('USAGE', '--discover and --unseen exclude each other', { hint: 'the same command without --unseen' })
      if (discover && texts.length > MAX_LOOKS)
        throw new Failure('USAGE', `--discover looks at ${MAX_LOOKS} URLs at most`, {
          hint: `${MAX_LOOKS} URLs at a time, or all of them without --discover`,
        })
      const typed = await addressesIn(texts, !unseen && texts.length <= MAX_LOOKS)
      const urls = typed.map(each => each.url)
      await using app = await opening(io)
      const tenant = await tenantNamed(app, slug)
      const looks = unseen ? new Map() : await lookAt(app, io, tenant, urls)
      if (!discover) refusePages(tenant, urls, looks)
      refuseHopeless(tenant, typed, looks)
      const wishes = wishesOf(urls, looks)
      noteUnseen(io, looks)
      await subscribe(app, io, tenant, wishes, true)
    })
  examples(add, [
    'feedctl feed add acme https://example.com/feed.xml https://example.org/atom.xml',
    'feedctl feed add acme blog.example.com --discover',
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
    const more = existing.length > MAX_SHOWN ? ` and ${existing.length - MAX_SHOWN} more` : ''
    const shown = urls(existing).slice(0, MAX_SHOWN).map(shownUrl).join(', ')
    throw new Failure('FEED_EXISTS', `tenant ${tenant.slug} has ${shown}${more} already`, {
      hint: `feedctl feed list ${tenant.slug}`,
    })
  }
  io.print({ tenant: tenant.slug, added: urls(added), existing: urls(existing) }, value => {
    const had = value.existing.length === 0 ? '' : `, ${value.existing.length} it had already`
    return `${counted(value.added.length, 'feed')} added to ${value.tenant}${had}; \`feedctl sync ${value.tenant}\` fetches them`
  })
}

/** A guess is made only where a look tells whether it was right. */
async function addressesIn(texts: readonly string[], areSeen: boolean): Promise<TypedUrl[]> {
  if (areSeen) return texts.map(typedUrl)
  const { parseFeedUrl } = await import('../../src/feeds/urls.js')
  return texts.map(text => ({ url: parseFeedUrl(text), guessed: false }))
}
