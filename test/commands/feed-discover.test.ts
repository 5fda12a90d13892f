import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DEEP, openSite } from '../feeds/discovery/site.js'
import type { Publisher } from '../feeds/fetch/publisher.js'
import { runCli } from '../support/cli.js'
import { describeDatabases } from '../tenants/installation.js'

let site: Publisher
beforeAll(async () => {
  site = await openSite()
})
afterEach(() => void site.seen.splice(0))
afterAll(() => site.close())
const allow = { FEEDCTL_FETCH_ALLOW: '127.0.0.1' }

describe('feedctl feed discover', () => {
  const discover = (path: string, ...more: string[]) => runCli(['feed', 'discover', site.url + path, ...more], { env: allow })

  it('lists the feeds that a page names', async () => {
    const { exit, out, err } = await discover('/named/', '--json')
    expect([exit, err]).toEqual([0, ''])
    expect(JSON.parse(out)).toEqual({
      url: `${site.url}/named/`,
      feeds: [
        {
          url: `${site.url}/direct.xml`,
          title: 'The Blog',
          format: 'rss',
          posts: 2,
          newest_at: '2026-02-01T08:00:00.000Z',
          found_by: 'link',
        },
        { url: `${site.url}/other.xml`, title: 'Comments', format: 'rss', posts: 0, newest_at: null, found_by: 'link' },
      ],
    })
    expect((await discover('/named/')).out).toBe(
      [
        `${site.url}/direct.xml`,
        '  The Blog (rss, 2 posts, the newest of 2026-02-01); named by the page',
        `${site.url}/other.xml`,
        '  Comments (rss, 0 posts); named by the page',
        '',
      ].join('\n'),
    )
  })

  it('says what it tried when there is none', async () => {
    const { exit, out, err } = await discover('/nothing/')
    expect([exit, out]).toEqual([4, ''])
    expect(err).toMatch(
      /^error: no feed was found from http:\S+\/nothing\/; tried \/nothing\/feed, .*\/feed\.json.* \(HTTP 404\) \(FEED_NOT_DISCOVERED\)\n {2}try: feedctl feed add <tenant> .* --unseen\n$/,
    )
  })

  it('asks no address of this machine unless it may', async () => {
    const { exit, err } = await runCli(['feed', 'discover', `${site.url}/named/`], { env: {} })
    expect([exit, site.seen.length]).toEqual([4, 0])
    expect(err).toContain('(ADDRESS_REFUSED)')
  })

  it('takes a bare host, and refuses what is no address', async () => {
    expect((await runCli(['feed', 'discover', 'nowhere.invalid'], { env: {} })).err).toContain('nowhere.invalid')
    for (const text of ['nonsense', '127.0.0.1:1', 'ftp://x.example/', 'javascript:1'])
      expect((await runCli(['feed', 'discover', text], { env: {} })).err).toContain('(URL_INVALID)')
  })
})

describeDatabases('feedctl feed add of', database => {
  const env = { ...database, ...allow }
  const cli = (...argv: string[]) => runCli(argv, { env })
  const feeds = async (slug: string) =>
    JSON.parse((await cli('feed', 'list', slug, '--json')).out).feeds.map((feed: { url: string; title: string | null }) => [
      feed.url.replace(site.url, ''),
      feed.title,
    ])
  beforeAll(async () => {
    await cli('init')
    for (const slug of ['feeds', 'pages', 'unseen', 'found', 'away', 'many', 'gone', 'bare', 'long'])
      await cli('tenant', 'create', slug, '--placement', 'shared')
  })

  it('a feed takes its title, keeps the address given, and looks once', async () => {
    const { exit, err } = await cli('feed', 'add', 'feeds', `${site.url}/direct.xml`, `${site.url}/moved.xml`)
    expect([exit, err]).toEqual([0, ''])
    expect(await feeds('feeds')).toEqual([
      ['/direct.xml', 'The Blog'],
      ['/moved.xml', 'The Blog'],
    ])
    site.seen.splice(0)
    expect((await cli('feed', 'add', 'feeds', `${site.url}/direct.xml`)).err).toContain('(FEED_EXISTS)')
    expect(site.seen).toEqual([])
  })

  it('a page is refused with the command that helps, and none of the others is added', async () => {
    const { exit, out, err } = await cli('feed', 'add', 'pages', `${site.url}/direct.xml`, `${site.url}/@ann`)
    expect([exit, out]).toEqual([4, ''])
    expect(err).toBe(
      `error: ${site.url}/@ann is a page, not a feed; its feeds: ${site.url}/@ann.rss (Ann) (FEED_NOT_A_FEED)\n  try: feedctl feed add pages ${site.url}/direct.xml ${site.url}/@ann.rss\n`,
    )
    const several = JSON.parse((await cli('feed', 'add', 'pages', `${site.url}/named/`, '--json')).err).error
    expect(several).toMatchObject({ code: 'FEED_NOT_A_FEED', hint: `feedctl feed add pages ${site.url}/direct.xml` })
    expect(several.message).toContain(`${site.url}/direct.xml (The Blog), ${site.url}/other.xml (Comments)`)
    expect((await cli('feed', 'add', 'pages', `${site.url}/queried/`)).err).toContain(
      `try: feedctl feed add pages '${site.url}/q.xml?a=1&b=2'\n`,
    )
    expect(await feeds('pages')).toEqual([])
    expect((await cli(...(err.split('try: feedctl ')[1] ?? '').trim().split(' '))).exit).toBe(0)
    expect(await feeds('pages')).toEqual([
      ['/direct.xml', 'The Blog'],
      ['/@ann.rss', 'Ann'],
    ])
  })

  it('a page without a feed is refused, with --discover too', async () => {
    for (const more of [[], ['--discover']]) {
      const { exit, err } = await cli('feed', 'add', 'pages', `${site.url}/nothing/`, ...more)
      expect([exit, err]).toEqual([
        4,
        `error: ${site.url}/nothing/ is a page, not a feed; no feed was found from it (FEED_NOT_A_FEED)\n  try: feedctl feed discover ${site.url}/nothing/\n`,
      ])
    }
  })

  it('a page subscribes to its first feed with --discover', async () => {
    const { out } = await cli('feed', 'add', 'found', `${site.url}/named/`, `${site.url}/other.xml`, '--discover', '--json')
    expect(JSON.parse(out).added).toEqual([`${site.url}/direct.xml`, `${site.url}/other.xml`])
    expect(await feeds('found')).toEqual([
      ['/direct.xml', 'The Blog'],
      ['/other.xml', 'Comments'],
    ])
  })

  it('anything with --unseen asks nobody', async () => {
    expect(await cli('feed', 'add', 'unseen', `${site.url}/named/`, '--unseen')).toMatchObject({ exit: 0, err: '' })
    expect([await feeds('unseen'), site.seen]).toEqual([[['/named/', null]], []])
    expect(await cli('feed', 'add', 'unseen', `${site.url}/x`, '--unseen', '--discover')).toEqual({
      exit: 2,
      out: '',
      err: 'error: --discover and --unseen exclude each other (USAGE)\n  try: the same command without --unseen\n',
    })
  })

  it('what cannot be seen now is added all the same, and noted', async () => {
    const { exit, err } = await cli(
      'feed',
      'add',
      'away',
      `${site.url}/lost`,
      `${site.url}/broken.xml`,
      'http://10.0.0.1/',
      'http://nowhere.invalid/',
      `${site.url}/direct.xml`,
    )
    expect(exit).toBe(0)
    expect(err.split('\n')).toEqual([
      `note: ${site.url}/lost is no readable feed now: HTTP 404 (FEED_HTTP_STATUS)`,
      expect.stringMatching(/\/broken\.xml is no readable feed now: .*line 1.* \(FEED_UNREADABLE\)$/),
      expect.stringMatching(/^note: http:\/\/10\.0\.0\.1\/ may not be asked: .* \(ADDRESS_REFUSED\)$/),
      expect.stringMatching(/^note: http:\/\/nowhere\.invalid\/ could not be seen yet: .* \(FEED_UNREACHABLE\)$/),
      '',
    ])
    expect(await feeds('away')).toEqual([
      ['/lost', null],
      ['/broken.xml', null],
      ['http://10.0.0.1/', null],
      ['http://nowhere.invalid/', null],
      ['/direct.xml', 'The Blog'],
    ])
  })

  it('what is gone for good is refused with all others, unless it is added unseen', async () => {
    const urls = [`${site.url}/gone.xml`, `${site.url}/direct.xml`]
    const { exit, out, err } = await cli('feed', 'add', 'gone', ...urls, `${site.url}/lost`)
    expect([exit, out, err]).toEqual([
      4,
      '',
      `error: ${urls[0]} is no readable feed now: the feed is gone for good (HTTP 410) (FEED_GONE)\n  try: feedctl feed add gone ${urls.join(' ')} ${site.url}/lost --unseen\n`,
    ])
    const discovering = await cli('feed', 'add', 'gone', ...urls, `${site.url}/named/`, '--discover', '--json')
    expect([discovering.exit, JSON.parse(discovering.err).error]).toMatchObject([
      4,
      { code: 'FEED_GONE', hint: `feedctl feed add gone ${urls.join(' ')} --unseen` },
    ])
    expect(await feeds('gone')).toEqual([])
    expect((await cli(...(err.split('try: feedctl ')[1] ?? '').trim().split(' '))).exit).toBe(0)
    expect(await feeds('gone')).toHaveLength(3)
  })

  it('a bare host name is taken when a look confirms it, and refused with the whole URL otherwise', async () => {
    await cli('feed', 'add', 'bare', 'https://blog.invalid/', '--unseen')
    expect((await cli('feed', 'add', 'bare', 'blog.invalid')).err).toBe(
      'error: tenant bare has https://blog.invalid/ already (FEED_EXISTS)\n  try: feedctl feed list bare\n',
    )
    const { exit, err } = await cli('feed', 'add', 'bare', 'feeds.invalid/x', `${site.url}/direct.xml`)
    expect([exit, err]).toEqual([
      5,
      expect.stringMatching(
        /^error: https:\/\/feeds\.invalid\/x could not be seen yet: .* \(FEED_UNREACHABLE\)\n {2}try: feedctl feed add bare https:\/\/feeds\.invalid\/x \S+ --unseen\n$/,
      ),
    ])
    for (const more of [['--unseen'], Array.from({ length: 20 }, (_, n) => `${site.url}/many/${n}`)])
      expect((await cli('feed', 'add', 'bare', 'feeds.invalid', ...more)).err).toContain('(URL_INVALID)')
    expect(await feeds('bare')).toEqual([['https://blog.invalid/', null]])
  })

  it('what moved to where no source can be keeps its address', async () => {
    expect(await cli('feed', 'add', 'long', `${site.url}/strays/`, '--discover')).toMatchObject({ exit: 0, err: '' })
    expect(await feeds('long')).toEqual([['/far', 'Far']])
  })

  it('long URLs names them by their start', async () => {
    const long = (n: number) => `https://x.invalid/${n}${'y'.repeat(1_900)}`
    const urls = Array.from({ length: 8 }, (_, n) => long(n))
    await cli('feed', 'add', 'long', ...urls, '--unseen')
    const { err } = await cli('feed', 'add', 'long', ...urls)
    expect(err).toMatch(/^error: tenant long has https:\/\/x\.invalid\/0y+…, .* and 3 more already \(FEED_EXISTS\)\n/)
    expect(err.length).toBeLessThan(700)
    const page = await cli('feed', 'add', 'long', site.url + DEEP)
    expect(page.err.split('\n')).toEqual([
      expect.stringMatching(/^error: \S{99}… is a page, not a feed; .{1,100}$/),
      `  try: feedctl feed discover ${site.url}${DEEP}`,
      '',
    ])
    expect((await cli('feed', 'add', 'long', long(9))).err).toMatch(/^note: \S{99}… could not be seen yet: /)
  })

  it('more than twenty asks nobody', async () => {
    const urls = Array.from({ length: 21 }, (_, n) => `${site.url}/many/${n}`)
    const { exit, err } = await cli('feed', 'add', 'many', ...urls)
    expect([exit, err, site.seen]).toEqual([0, 'note: 21 URLs are added unseen; at most 20 are looked at\n', []])
    expect(await cli('feed', 'add', 'many', ...urls, '--discover')).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/\(USAGE\)\n {2}try: 20 URLs at a time, or all of them without --discover\n$/),
    })
  })
})
