import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import type { FeedView } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { readOpmlFile, readOpmlText } from './opml-file.js'

export function registerSubscriptions(feed: Command, io: Io): void {
  const add = feed
    .command('add')
    .description('subscribe a tenant to feeds: to all of these, or, when one cannot be, to none')
    .argument('<tenant>')
    .argument('<url...>')
    .action(async (slug, urls) => {
      await using app = await opening(io)
      const { parseFeedUrl } = await import('../../src/feeds/urls.js')
      await subscribe(
        app,
        io,
        slug,
        urls.map(url => ({ url: parseFeedUrl(url), title: null })),
        true,
      )
    })
  examples(add, ['feedctl feed add acme https://example.com/feed.xml https://example.org/atom.xml'])

  const list = feed
    .command('list')
    .description("list a tenant's feeds and how their sources do")
    .argument('<tenant>')
    .action(async slug => {
      await using app = await opening(io)
      const { listFeeds } = await import('../../src/feeds/subscriptions.js')
      const feeds = await listFeeds(app.catalog, await tenantNamed(app, slug))
      io.print({ feeds }, (value, style) => listWords(value.feeds, style))
    })
  examples(list, ['feedctl feed list acme', 'feedctl feed list acme --json'])

  const remove = feed
    .command('remove')
    .description('end a subscription and remove its posts')
    .argument('<tenant>')
    .argument('<feed>', 'id or URL')
    .action(async (slug, named) => {
      await using app = await opening(io)
      const { removeFeed } = await import('../../src/feeds/subscriptions.js')
      const removed = await removeFeed(app.catalog, await tenantNamed(app, slug), named)
      io.print({ feed: removed }, ({ feed: value }) => `removed feed ${value.id} ${value.url} and ${value.posts} posts`)
    })
  examples(remove, ['feedctl feed remove acme 3', 'feedctl feed remove acme https://example.com/feed.xml'])
}

export function registerOpml(feed: Command, io: Io): void {
  const importOpml = feed
    .command('import')
    .description('subscribe a tenant to the feeds of an OPML file (- for stdin): to all, or to none')
    .argument('<tenant>')
    .argument('<opml>', 'a file, or -')
    .action(async (slug, path) => {
      await using app = await opening(io)
      const wishes =
        path === '-' ? await readOpmlText((await io.readStdin()).toString('utf8')) : await readOpmlFile(resolve(io.cwd, path))
      await subscribe(app, io, slug, wishes, false)
    })
  examples(importOpml, ['feedctl feed import acme subscriptions.opml', 'feedctl feed export acme | feedctl feed import globex -'])

  const exportOpml = feed
    .command('export')
    .description("write a tenant's feeds as OPML 2.0 to stdout")
    .argument('<tenant>')
    .action(async slug => {
      await using app = await opening(io)
      const [{ listFeeds }, { writeOpml }] = await Promise.all([
        import('../../src/feeds/subscriptions.js'),
        import('../../src/feeds/opml.js'),
      ])
      const tenant = await tenantNamed(app, slug)
      const feeds = await listFeeds(app.catalog, tenant)
      io.write(
        writeOpml({
          title: tenant.name,
          feeds: feeds.map(({ url, title }) => ({ url, title: title ?? url })),
          createdAt: Date.now(),
        }),
      )
    })
  examples(exportOpml, ['feedctl feed export acme > acme.opml'])
}

async function subscribe(
  app: App,
  io: Io,
  slug: string,
  wishes: readonly { url: string; title: string | null }[],
  refuseKnown: boolean,
): Promise<void> {
  const { addFeeds } = await import('../../src/feeds/subscriptions.js')
  const tenant = await tenantNamed(app, slug)
  const { added, existing } = await addFeeds(app.catalog, tenant, wishes)
  const urls = (list: readonly { url: string }[]) => list.map(wish => wish.url)
  const result = { tenant: tenant.slug, added: urls(added), existing: urls(existing) }
  if (refuseKnown && added.length === 0 && existing.length > 0) {
    throw new Failure('FEED_EXISTS', `tenant ${tenant.slug} has ${urls(existing).join(', ')} already`, {
      hint: `feedctl feed list ${tenant.slug}`,
    })
  }
  io.print(
    result,
    value =>
      `${counted(value.added.length, 'feed')} added to ${value.tenant}${value.existing.length === 0 ? '' : `, ${value.existing.length} it had already`}; \`feedctl sync ${value.tenant}\` fetches them`,
  )
}

async function tenantNamed(app: App, slug: string): Promise<Tenant> {
  const [{ getActiveTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  return getActiveTenant(app.catalog, parseSlug(slug))
}

function listWords(feeds: readonly FeedView[], style: Style): string {
  if (feeds.length === 0) return 'no feeds'
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString().slice(0, 16).replace('T', ' '))
  return table(
    feeds,
    [
      { title: 'ID', cell: feed => feed.id },
      { title: 'TITLE', cell: feed => feed.title },
      { title: 'URL', cell: feed => feed.url },
      { title: 'CHECKED', cell: feed => time(feed.checkedAt) },
      { title: 'NEXT', cell: feed => time(feed.nextCheckAt) },
      { title: 'FAILURE', cell: feed => feed.failure?.code ?? null, paint: text => style.red(text) },
    ],
    style,
  )
}
