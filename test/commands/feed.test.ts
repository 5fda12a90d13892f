import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FeedServer, startFeedServer } from '../../src/bench/feed-server/server.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { describeDatabases } from '../tenants/installation.js'

const [A, B, C] = ['https://a.example/feed', 'https://b.example/feed', 'https://c.example/feed']

describeDatabases('feedctl feed', env => {
  const cli = (...argv: string[]) => runCli(argv, { env })
  const json = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).out)
  const urls = async (slug: string) => (await json('feed', 'list', slug)).feeds.map((feed: { url: string }) => feed.url)
  beforeAll(async () => {
    await cli('init')
    for (const slug of ['adds', 'lists', 'removes', 'removes-2', 'wrong'])
      await cli('tenant', 'create', slug, '--placement', 'shared')
  })

  it('add subscribes, counts what was there, and writes a URL one way', async () => {
    expect(await json('feed', 'add', 'adds', 'HTTPS://A.example:443/feed#top', B)).toEqual({
      tenant: 'adds',
      added: [A, B],
      existing: [],
    })
    expect(await json('feed', 'add', 'adds', A, C, C)).toEqual({ tenant: 'adds', added: [C], existing: [A, C] })
    expect(await urls('adds')).toEqual([A, B, C])
    const { exit, out, err } = await cli('feed', 'add', 'adds', A)
    expect({ exit, out }).toEqual({ exit: 4, out: '' })
    expect(err).toBe(`error: tenant adds has ${A} already (FEED_EXISTS)\n  try: feedctl feed list adds\n`)
  })

  it.each([
    'not a url',
    'ftp://x.example/',
    'javascript:alert(1)',
    'http://',
    'https://user:pass@x.example/',
    `https://x.example/${'y'.repeat(2_000)}`,
  ])('add of %j is URL_INVALID and adds none of the others', async url => {
    const { exit, out, err } = await cli('feed', 'add', 'wrong', A, url, B, '--json')
    expect([exit, out, JSON.parse(err).error.code]).toEqual([4, '', 'URL_INVALID'])
    expect(err).not.toContain('user:pass')
    expect(await urls('wrong')).toEqual([])
  })

  it('list shows each feed and how its source does', async () => {
    expect((await cli('feed', 'list', 'lists')).out).toBe('no feeds\n')
    await cli('feed', 'add', 'lists', A)
    expect((await json('feed', 'list', 'lists')).feeds).toEqual([
      {
        id: 1,
        url: A,
        title: null,
        source_id: expect.any(Number),
        stored_at: null,
        checked_at: null,
        next_check_at: null,
        failure: null,
        state: 'new',
        moved_to: null,
        alert: null,
      },
    ])
    expect((await cli('feed', 'list', 'lists')).out).toMatch(
      /^ID +TITLE +URL +CHECKED +NEXT +STATE\n *1 +- +https:\/\/a\.example\/feed +- +due +new\n$/,
    )
  })

  it('remove takes an id or a URL, once, and leaves the neighbour and the others', async () => {
    for (const slug of ['removes', 'removes-2']) await cli('feed', 'add', slug, A, B, C)
    expect(await json('feed', 'remove', 'removes', '2')).toEqual({ feed: { id: 2, url: B, posts: 0 } })
    expect((await cli('feed', 'remove', 'removes', `${A}#fragment`)).out).toBe(`removed feed 1 ${A} and 0 posts\n`)
    for (const named of ['2', A, '999', 'https://never.example/']) {
      const { exit, err } = await cli('feed', 'remove', 'removes', named)
      expect([exit, err]).toEqual([
        4,
        `error: tenant removes has no feed ${named} (FEED_NOT_FOUND)\n  try: feedctl feed list removes\n`,
      ])
    }
    expect((await cli('feed', 'remove', 'removes', 'nonsense')).err).toContain('(FEED_NOT_FOUND)')
    expect([await urls('removes'), await urls('removes-2')]).toEqual([[C], [A, B, C]])
  })

  it.each([
    ['list'],
    ['add', A],
    ['remove', '1'],
    ['import', '-'],
    ['export'],
  ])('%s of nobody is TENANT_NOT_FOUND', async (word, ...more) => {
    const opml = `<opml><body><outline xmlUrl="${A}"/></body></opml>`
    const { exit, err } = await runCli(['feed', word, 'nobody', ...more], { env, stdin: opml })
    expect(exit).toBe(4)
    expect(err).toContain('error: there is no tenant nobody (TENANT_NOT_FOUND)')
  })
})

describe('feedctl feed parse', () => {
  let server: FeedServer
  const env = { FEEDCTL_FETCH_ALLOW: '127.0.0.0/8' }
  const RSS = `<?xml version="1.0"?><rss version="2.0"><channel><title>T &amp; U</title><link>https://t.example/</link><description>D</description>
    <language>en</language><item><guid>g1</guid><title>One</title><link>/one</link><author>Ann</author><pubDate>Sat, 31 Jan 2026 12:00:00 GMT</pubDate>
    <category>x</category><enclosure url="https://t.example/a.mp3" type="audio/mpeg" length="123"/>
    <description>&lt;p onclick="x()"&gt;Hi&lt;script&gt;evil()&lt;/script&gt;&lt;/p&gt;</description></item></channel></rss>`
  beforeAll(async () => {
    server = await startFeedServer({ items: 3 })
  })
  afterAll(() => server.close())

  it('shows a document normalised and sanitised, the same from a file and from stdin', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'feed.xml'), RSS)
    const fromFile = await runCli(['feed', 'parse', 'feed.xml', '--json'], { cwd: folder })
    expect([fromFile.exit, fromFile.err]).toEqual([0, ''])
    const document = JSON.parse(fromFile.out)
    expect(document.feed).toEqual({ format: 'rss', title: 'T & U', link: 'https://t.example/', description: 'D', language: 'en' })
    expect(document.posts).toHaveLength(1)
    expect(document.posts[0]).toMatchObject({
      guid: 'g1',
      title: 'One',
      author: 'Ann',
      published_at: '2026-01-31T12:00:00.000Z',
      updated_at: null,
      content: '<p>Hi</p>',
      categories: ['x'],
      enclosures: [{ url: 'https://t.example/a.mp3', type: 'audio/mpeg', bytes: 123 }],
    })
    expect(Object.keys(document.posts[0])).toEqual([
      'guid',
      'url',
      'title',
      'author',
      'published_at',
      'updated_at',
      'content',
      'categories',
      'image',
      'enclosures',
    ])
    expect(document.notices).toEqual([])
    expect(await runCli(['feed', 'parse', '-', '--json'], { stdin: RSS })).toEqual(fromFile)
  })

  it('is a table for people', async () => {
    const { out } = await runCli(['feed', 'parse', '-'], { stdin: RSS })
    expect(out).toMatch(/^T & U \(rss, 1 post\)\nPUBLISHED +TITLE +URL +CHARS\n2026-01-31 12:00 +One/)
  })

  it('says on stderr and in JSON what could not be kept', async () => {
    const many = Array.from({ length: 1_001 }, (_, n) => `<item><guid>${n}</guid><title>${n}</title></item>`).join('')
    const stdin = `<rss version="2.0"><channel><title>T</title>${many}</channel></rss>`
    const text = await runCli(['feed', 'parse', '-'], { stdin })
    expect([text.exit, text.err]).toEqual([0, expect.stringMatching(/^note: .* \(POSTS_CUT\)\n$/)])
    const { out } = await runCli(['feed', 'parse', '-', '--json'], { stdin })
    expect(JSON.parse(out).notices).toEqual([{ code: 'POSTS_CUT', message: expect.any(String) }])
  })

  it('exits 4 with the place where a document breaks', async () => {
    const { exit, out, err } = await runCli(['feed', 'parse', '-'], {
      stdin: '<?xml version="1.0"?>\n<rss><channel>\n<title>T</titel>',
    })
    expect([exit, out]).toEqual([4, ''])
    expect(err).toMatch(/^error: .*line 3, column \d+.*\(FEED_UNREADABLE\)\n/)
  })

  it.each(['rss', 'atom', 'rdf', 'json'] as const)('reads %s from a URL', async format => {
    const one = await startFeedServer({ items: 3, formats: [format] })
    try {
      const { exit, out } = await runCli(['feed', 'parse', one.urlOf(1), '--json'], { env })
      const document = JSON.parse(out)
      expect([exit, document.feed.format, document.posts.length]).toEqual([0, format, 3])
      for (const post of document.posts) expect(post.url).toMatch(/^https:\/\/[a-z0-9.-]+\.example\//)
    } finally {
      await one.close()
    }
  })

  it('does not ask an address of this machine unless it may', async () => {
    const { exit, err } = await runCli(['feed', 'parse', server.urlOf(1)], { env: {} })
    expect(exit).toBe(4)
    expect(err).toContain('(ADDRESS_REFUSED)')
    expect(server.stats().requests).toBe(0)
  })

  it.each([
    ['status-404', 4, 'FEED_HTTP_STATUS'],
    ['status-410', 4, 'FEED_GONE'],
    ['html', 4, 'FEED_NOT_A_FEED'],
    ['empty', 4, 'FEED_EMPTY'],
  ] as const)('of %s exits %i, %s', async (fault, exit, code) => {
    const result = await runCli(['feed', 'parse', server.faultUrl(fault), '--json'], { env })
    expect([result.exit, result.out, JSON.parse(result.err).error.code]).toEqual([exit, '', code])
    server.resetStats()
  })

  it('refuses a file that is missing, and what is no feed', async () => {
    expect(await runCli(['feed', 'parse', 'missing.xml'])).toMatchObject({
      exit: 4,
      out: '',
      err: expect.stringContaining('cannot read missing.xml'),
    })
    const page = '<!DOCTYPE html><html><body><p>no feed</p></body></html>'
    expect(await runCli(['feed', 'parse', '-'], { stdin: page })).toMatchObject({
      exit: 4,
      err: expect.stringContaining('(FEED_NOT_A_FEED)'),
    })
  })

  it.each<[string, string[], string]>([
    ['a page', ['html'], 'feedctl feed discover URL'],
    ['what is gone', ['status-410'], 'feedctl feed discover HOME'],
    ['what is empty', ['empty'], 'feedctl feed discover HOME'],
  ])('of %s at a URL names the way to its feeds', async (_what, [fault = ''], hint) => {
    const url = server.faultUrl(fault as Parameters<typeof server.faultUrl>[0])
    const { err } = await runCli(['feed', 'parse', url, '--json'], { env })
    expect(JSON.parse(err).error.hint).toBe(hint.replace('URL', url).replace('HOME', new URL('/', url).href))
    server.resetStats()
  })

  it.each<[string, string[], string | Buffer, string, string]>([
    ['nothing on stdin', ['-'], '', 'FEED_EMPTY', 'curl -sS <url of the feed> | feedctl feed parse -'],
    ['a page on stdin', ['-'], '<html><body>x', 'FEED_NOT_A_FEED', 'feedctl feed discover <url of the site>'],
    ['too much on stdin', ['-'], '<rss>'.padEnd(5_000), 'FEED_TOO_LARGE', 'set FEEDCTL_FETCH_MAX_BYTES'],
    ['a file without an end', ['/dev/zero'], '', 'FEED_TOO_LARGE', 'set FEEDCTL_FETCH_MAX_BYTES'],
    ['a missing file', ['missing.xml'], '', 'FILE_UNREADABLE', 'a path from the working folder on, or an absolute one'],
    ['a folder', ['.'], '', 'FILE_UNREADABLE', 'a file in that folder'],
    ['no name', [''], '', 'FILE_UNREADABLE', 'a file in that folder'],
  ])('of %s exits 4 and says what helps', async (_what, argv, stdin, code, hint) => {
    const result = await runCli(['feed', 'parse', ...argv, '--json'], { stdin, env: { FEEDCTL_FETCH_MAX_BYTES: '4096' } })
    expect([result.exit, result.out, JSON.parse(result.err).error]).toEqual([4, '', { code, message: expect.any(String), hint }])
    expect(result.err).not.toContain('ENOENT')
  })

  it('of bytes that are no text exits 4', async () => {
    const stdin = Buffer.from(Array.from({ length: 5_000 }, (_, n) => (n * n + (n >> 3)) & 0xff))
    const { exit, out, err } = await runCli(['feed', 'parse', '-'], { stdin })
    expect([exit, out, err]).toEqual([4, '', expect.stringMatching(/^error: .* \(FEED_(?:NOT_A_FEED|UNREADABLE)\)\n/)])
  })

  it('needs no database', async () => {
    const cwd = temporaryFolder()
    const { exit } = await runCli(['feed', 'parse', '-'], { stdin: RSS, cwd, env: { DB_CONNECTION: 'mysql', DB_PORT: '1' } })
    expect(exit).toBe(0)
  })
})
