import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Discovery, discover, discoverFeeds } from '../../../src/feeds/discovery/discover.js'
import { firstLooks } from '../../../src/feeds/discovery/first-look.js'
import { Fetcher } from '../../../src/feeds/fetch/fetcher.js'
import { fetcherOptions } from '../../../src/feeds/fetch/settings.js'
import { loadConfig } from '../../../src/kernel/config.js'
import type { Publisher } from '../fetch/publisher.js'
import { DEEP, openSite } from './site.js'

const calm = new AbortController().signal
let site: Publisher
let fetcher: Fetcher

beforeAll(async () => {
  site = await openSite()
  const env = { FEEDCTL_FETCH_ALLOW: '127.0.0.1' }
  fetcher = new Fetcher(fetcherOptions(loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false }).config))
})
afterEach(() => void site.seen.splice(0))
afterAll(async () => {
  await fetcher.close()
  await site.close()
})

const from = (path: string, timeoutMs?: number) =>
  discover(fetcher, site.url + path, { signal: calm, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
const found = ({ feeds }: Discovery) => feeds.map(feed => [feed.url.slice(site.url.length), feed.title, feed.foundBy])
const asked = () => site.seen.map(request => request.url)

describe('discovery', () => {
  it('says what a feed is', async () => {
    const { kind, feeds } = await from('/direct.xml')
    expect([kind, feeds]).toEqual([
      'feed',
      [
        {
          url: `${site.url}/direct.xml`,
          title: 'The Blog',
          format: 'rss',
          posts: 2,
          newestAt: Date.UTC(2026, 1, 1, 8),
          foundBy: 'itself',
        },
      ],
    ])
    expect(found(await from('/direct-as-html.xml'))).toEqual([['/direct-as-html.xml', 'The Blog', 'itself']])
  })

  it.each([
    [
      'takes the feeds a page names, in its order',
      '/named/',
      [
        ['/direct.xml', 'The Blog', 'link'],
        ['/other.xml', 'Comments', 'link'],
      ],
    ],
    ['offers one feed under several addresses once', '/twice/', [['/direct.xml', 'The Blog', 'link']]],
    ['offers where a feed has moved for good', '/old/', [['/direct.xml', 'The Blog', 'link']]],
    [
      'offers only what a source can have as its URL',
      '/strays/',
      [
        ['/far', 'Far', 'link'],
        ['/direct.xml', 'The Blog', 'link'],
      ],
    ],
    ['offers the address given when it is sent on for now', '/temporary/', [['/sent.xml', 'The Blog', 'link']]],
    ['follows <base>', '/based/', [['/elsewhere/x.xml', 'Based', 'link']]],
    [
      'follows the page itself to where it moved',
      '/moved-page',
      [
        ['/direct.xml', 'The Blog', 'link'],
        ['/other.xml', 'Comments', 'link'],
      ],
    ],
    ['takes links that look like feeds when what the page names is none', '/lies/', [['/linked/rss.xml', 'Linked', 'anchor']]],
    ['knows where services keep their feeds', '/@ann', [['/@ann.rss', 'Ann', 'service']]],
  ])('%s', async (_what, path, feeds) => {
    expect(found(await from(path))).toEqual(feeds)
  })

  it('tries the usual places when the page names none, two at a time, up to the first feed', async () => {
    expect(found(await from('/silent/page.html'))).toEqual([['/silent/atom.xml', 'Silent', 'path']])
    expect(asked().slice(0, 1)).toEqual(['/silent/page.html'])
    expect(asked().slice(1).sort()).toEqual(['/silent/atom.xml', '/silent/feed', '/silent/feed.xml', '/silent/rss.xml'])
  })

  it('does not guess when the page names its feeds', async () => {
    await from('/named/')
    expect(asked().sort()).toEqual(['/direct.xml', '/named/', '/other.xml'])
  })

  it('asks nothing at addresses that feeds may not have', async () => {
    const { feeds, refused } = await from('/inside/')
    expect([feeds, refused.get('http://169.254.169.254/feed')?.code, refused.get('http://10.0.0.1/feed')?.code]).toEqual([
      [],
      'ADDRESS_REFUSED',
      'ADDRESS_REFUSED',
    ])
  })

  it('does not guess what no source can have as its URL', async () => {
    await from(DEEP)
    const lengths = site.seen.map(request => site.url.length + (request.url ?? '').length)
    expect([lengths.length > 5, Math.max(...lengths) <= 2_000]).toEqual([true, true])
  })

  it('ends after about twenty requests', async () => {
    expect((await from('/many/')).feeds).toEqual([])
    expect(site.seen.length).toBeGreaterThan(15)
    expect(site.seen.length).toBeLessThanOrEqual(25)
  })

  it('keeps what it found when its time is up', async () => {
    expect(found(await from('/slow/', 2_000))).toEqual([['/direct.xml', 'The Blog', 'link']])
    const { refused, kind } = await from('/hangs.xml', 100)
    expect([kind, refused.get(`${site.url}/hangs.xml`)?.code]).toEqual([null, 'FEED_TIMEOUT'])
  })

  it('ends with its signal', async () => {
    const controller = new AbortController()
    const ended = discover(fetcher, `${site.url}/hangs.xml`, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(ended).rejects.toThrow('enough')
  })

  it.each([
    ['/nothing/', 'FEED_NOT_DISCOVERED', /no feed was found from .*\/nothing\/; tried \/nothing\/feed, .*\(HTTP 404\)/],
    ['/lost', 'FEED_HTTP_STATUS', /HTTP 404/],
    ['/private/@bob', 'FEED_HTTP_STATUS', /HTTP 403/],
    ['/json', 'FEED_NOT_A_FEED', /JSON/],
    ['/image', 'FEED_NOT_A_FEED', /feed/],
  ])('of %s is %s, with a way on', async (path, code, message) => {
    await expect(discoverFeeds(fetcher, site.url + path, { signal: calm })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: code === 'FEED_NOT_DISCOVERED' ? expect.stringContaining('--unseen') : `feedctl feed discover ${site.url}/`,
    })
  })

  it('names long addresses by their start', async () => {
    const { message } = await discoverFeeds(fetcher, site.url + DEEP, { signal: calm }).catch(error => error)
    expect(message).toContain(`no feed was found from ${site.url}/deep/`)
    expect(Math.max(...message.split(/[ ,;]/).map((word: string) => word.length))).toBe(100)
  })
})

describe('a first look', () => {
  it('tells feeds, pages and what cannot be seen, in the order asked', async () => {
    const paths = ['/direct.xml', '/named/', '/nothing/', '/lost', '/broken.xml', '/json', '/direct.xml']
    const looks = await firstLooks(
      fetcher,
      paths.map(path => site.url + path),
      { signal: calm },
    )
    expect(looks.map(look => look.url)).toEqual(paths.map(path => site.url + path))
    expect(looks).toMatchObject([
      { kind: 'feed', title: 'The Blog' },
      { kind: 'page', feeds: [{ url: `${site.url}/direct.xml` }, { url: `${site.url}/other.xml` }] },
      { kind: 'page', feeds: [] },
      { kind: 'unseen', failure: { code: 'FEED_HTTP_STATUS' } },
      { kind: 'unseen' },
      { kind: 'unseen', failure: { code: 'FEED_NOT_A_FEED' } },
      { kind: 'feed' },
    ])
  })

  it('gives up on what does not answer', async () => {
    const looks = await firstLooks(fetcher, [`${site.url}/hangs.xml`, 'http://10.0.0.1/'], { signal: calm, timeoutMs: 100 })
    expect(looks).toMatchObject([
      { kind: 'unseen', failure: { code: 'FEED_TIMEOUT' } },
      { kind: 'unseen', failure: { code: 'ADDRESS_REFUSED' } },
    ])
  })
})
