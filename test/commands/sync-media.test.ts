import type { ServerResponse } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Interruption } from '../../src/cli/interruption.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import { type Publisher, startPublisher } from '../e2e/publisher.js'
import { png } from '../media/intake/pictures.js'

const PICTURES = 3
/** For what takes seconds on a machine that is idle. */
const PATIENTLY = { timeout: 120_000 }

/** A tenant with a feed of some pictures, which come only when they are let go. */
class SlowPictures {
  private readonly held: ServerResponse[] = []
  private isOpen = false

  private constructor(
    readonly installation: Installation,
    private readonly watcher: Publisher,
  ) {}

  static async create(): Promise<SlowPictures> {
    const publisher = await startPublisher((path, response) => {
      if (path.startsWith('/ping')) response.end()
      else if (path === '/missing') response.writeHead(404).end()
      else if (!path.endsWith('.png')) response.end(feedOf(publisher.origin))
      else if (here.isOpen) response.end(png(1))
      else here.held.push(response)
    })
    const installation = await Installation.create({ FEEDCTL_MEDIA_TYPES: 'image' })
    onTestFinished(async () => {
      await installation[Symbol.asyncDispose]()
      await publisher[Symbol.asyncDispose]()
    })
    await installation.createTenant('acme', [publisher.urlOf('/feed')])
    const here = new SlowPictures(installation, publisher)
    return here
  }

  /** A sync that is under way, and how it may be stopped. */
  begin(...flags: string[]) {
    const stop = new AbortController()
    const argv = ['sync', '--all', '--json', '--ping-url', this.watcher.urlOf('/ping'), ...flags]
    return { stop, ended: this.installation.run(argv, { signal: stop.signal }) }
  }

  /** The ping says so. */
  async untilFeedsAreDone(ping = '/ping'): Promise<void> {
    await vi.waitFor(() => expect(this.watcher.asked).toContain(ping), { timeout: 60_000, interval: 20 })
    await vi.waitFor(() => expect(this.held.length).toBeGreaterThan(0), { timeout: 60_000, interval: 20 })
  }

  get missing(): string {
    return this.watcher.urlOf('/missing')
  }

  letGo(): void {
    this.isOpen = true
    for (const response of this.held.splice(0)) response.end(png(1))
  }

  async stored(): Promise<number> {
    await using app = await this.installation.open()
    const tenant = await getTenant(app.catalog, parseSlug('acme'))
    const links = await withTenant(app.catalog, tenant, tables =>
      tables.mediaLinks().select('url').where('state', '=', 'stored').execute(),
    )
    return links.length
  }
}

function feedOf(origin: string): string {
  const items = Array.from({ length: PICTURES }, (_, n) => {
    const picture = `&lt;img src="${origin}/${n}.png"&gt;`
    return `<item><guid>${n}</guid><title>${n}</title><description>${picture}</description></item>`
  })
  return `<rss version="2.0"><channel><title>Pictures</title>${items.join('')}</channel></rss>`
}

test('lets go of its lock and calls its URL when the feeds are done, and stores the media after that', PATIENTLY, async () => {
  const pictures = await SlowPictures.create()
  const begun = performance.now()
  const sync = pictures.begin('--progress', 'plain')
  await pictures.untilFeedsAreDone()
  expect((await pictures.installation.sync('--all')).exit).toBe(0)
  expect(await pictures.stored()).toBe(0)
  const feedsMs = performance.now() - begun
  pictures.letGo()
  const { exit, out, err } = await sync.ended
  expect([exit, JSON.parse(out).posts.new, await pictures.stored()]).toEqual([0, PICTURES, PICTURES])
  expect(err).toContain(`media: ${PICTURES} files\n`)
  expect(JSON.parse(out).duration_ms).toBeLessThan(feedsMs)
})

test('stops calmly while it stores media, as the feeds ended, and the next sync goes on', PATIENTLY, async () => {
  const pictures = await SlowPictures.create()
  const sync = pictures.begin('--progress', 'none')
  await pictures.untilFeedsAreDone()
  sync.stop.abort(new Interruption('SIGTERM'))
  const { exit, out, err } = await sync.ended
  expect([exit, JSON.parse(out).posts.new, await pictures.stored()]).toEqual([0, PICTURES, 0])
  expect(err).toContain('stopped: the next sync stores the media that is left')
  pictures.letGo()
  expect(await pictures.installation.sync('acme', '--force')).toMatchObject({ exit: 0, err: '' })
  expect(await pictures.stored()).toBe(PICTURES)
})

test('a sync whose feeds failed stores what media there is, and says then that they failed', PATIENTLY, async () => {
  const pictures = await SlowPictures.create()
  expect((await pictures.installation.run(['feed', 'add', 'acme', pictures.missing, '--unseen'])).exit).toBe(0)
  const sync = pictures.begin('--quiet')
  await pictures.untilFeedsAreDone('/ping/fail')
  pictures.letGo()
  const { exit, out } = await sync.ended
  expect([exit, JSON.parse(out).feeds.failed, await pictures.stored()]).toEqual([6, 1, PICTURES])
})
