import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { describeDatabases } from '../tenants/installation.js'

const outlines = (...lines: string[]) => ['<opml version="2.0">', '<body>', ...lines, '</body>', '</opml>'].join('\n')
const outline = (url: string, title = 'x') => `<outline type="rss" text="${title}" xmlUrl="${url}"/>`

describeDatabases('feedctl feed import and export', env => {
  const cli = (argv: readonly string[], own: { cwd?: string; stdin?: string } = {}) => runCli(argv, { env, ...own })
  const feedsOf = async (slug: string) =>
    (
      JSON.parse((await cli(['feed', 'list', slug, '--json'])).out) as { feeds: { url: string; title: string | null }[] }
    ).feeds.map(({ url, title }) => ({ url, title }))
  beforeAll(async () => {
    await cli(['init'])
    for (const slug of ['one', 'two', 'wrong', 'again', 'many', 'wide'])
      await cli(['tenant', 'create', slug, '--placement', 'shared'])
  })

  it('carry every feed from one tenant to another, titles and odd characters included', async () => {
    const folder = temporaryFolder()
    const feeds = [
      { url: 'https://a.example/?x=1&y=%3C2%3E', title: 'A "quoted" & <odd> title' },
      { url: 'https://xn--bcher-kva.example/', title: 'Bücher 漢字 😀' },
      { url: 'http://c.example:8080/feed', title: "it's" },
    ]
    const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
    writeFileSync(join(folder, 'in.opml'), outlines(...feeds.map(({ url, title }) => outline(escaped(url), escaped(title)))))
    expect(await cli(['feed', 'import', 'one', 'in.opml'], { cwd: folder })).toMatchObject({
      exit: 0,
      out: '3 feeds added to one; `feedctl sync one` fetches them\n',
    })
    expect(await feedsOf('one')).toEqual(feeds)
    const exported = await cli(['feed', 'export', 'one'])
    expect(exported.exit).toBe(0)
    expect((await cli(['feed', 'import', 'two', '-'], { stdin: exported.out })).exit).toBe(0)
    expect(await feedsOf('two')).toEqual(feeds)
    const again = await cli(['feed', 'export', 'two'])
    const bare = (text: string) => text.replace(/<dateCreated>.*<\/dateCreated>/, '').replace(/<title>.*<\/title>/, '')
    expect(bare(again.out)).toBe(bare(exported.out))
  })

  it('import what is there already calmly', async () => {
    const stdin = outlines(outline('https://a.example/'), outline('https://b.example/'))
    const first = await cli(['feed', 'import', 'again', '-', '--json'], { stdin })
    expect(JSON.parse(first.out)).toEqual({ tenant: 'again', added: ['https://a.example/', 'https://b.example/'], existing: [] })
    const second = await cli(['feed', 'import', 'again', '-', '--json'], { stdin })
    expect([second.exit, JSON.parse(second.out)]).toEqual([
      0,
      { tenant: 'again', added: [], existing: ['https://a.example/', 'https://b.example/'] },
    ])
    expect(await feedsOf('again')).toHaveLength(2)
  })

  it.each([
    [
      'a URL that is none',
      outlines(outline('https://a.example/'), outline('nonsense'), outline('https://b.example/')),
      /line 4: xmlUrl "nonsense"/,
    ],
    ['XML that is broken', outlines(outline('https://a.example/'), '<outline text="x"'), /line [45]: not well-formed XML/],
    [
      'a DOCTYPE',
      `<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n${outlines(outline('https://a.example/'))}`,
      /line 1: a DOCTYPE/,
    ],
    ['no feeds', outlines(), /names no feed/],
    ['an HTML page', '<html><body>no</body></html>', /line 1: the root element is <html>/],
    ['nothing', '', /not well-formed XML/],
  ])('refuse %s by its line, and import nothing of it', async (_what, stdin, words) => {
    const { exit, out, err } = await cli(['feed', 'import', 'wrong', '-'], { stdin })
    expect({ exit, out }).toEqual({ exit: 4, out: '' })
    expect(err).toMatch(words)
    expect(err).toContain('(OPML_INVALID)')
    expect(await feedsOf('wrong')).toEqual([])
  })

  it('refuse a file that is too large by its size, and what has no size as soon as it is too much', async () => {
    const path = join(temporaryFolder(), 'large.opml')
    writeFileSync(path, '<opml>')
    truncateSync(path, 1e12)
    for (const named of [path, '/dev/zero']) {
      const { exit, out, err } = await cli(['feed', 'import', 'wrong', named])
      expect({ exit, out }).toEqual({ exit: 4, out: '' })
      expect(err).toMatch(/^error: the OPML file is larger than 10000000 bytes \(OPML_TOO_LARGE\)\n {2}try: /)
    }
    const { exit, err } = await cli(['feed', 'import', 'wrong', '-'], { stdin: ' '.repeat(10_000_001) })
    expect([exit, err]).toEqual([4, expect.stringContaining('(OPML_TOO_LARGE)')])
    expect(await feedsOf('wrong')).toEqual([])
  })

  it('read a file in UTF-16', async () => {
    const path = join(temporaryFolder(), 'utf16.opml')
    writeFileSync(path, Buffer.from(`\uFEFF${outlines(outline('https://utf16.example/', 'Bücher 漢字'))}`, 'utf16le'))
    expect((await cli(['feed', 'import', 'wide', path])).exit).toBe(0)
    expect(await feedsOf('wide')).toEqual([{ url: 'https://utf16.example/', title: 'Bücher 漢字' }])
  })

  it('say which file cannot be read', async () => {
    const { exit, err } = await cli(['feed', 'import', 'wrong', 'missing.opml'])
    expect(exit).toBe(4)
    expect(err).toMatch(/^error: cannot read .*missing\.opml: no such file or directory \(FILE_UNREADABLE\)\n {2}try: a path /)
    expect((await cli(['feed', 'import', 'wrong', '.'])).err).toMatch(/\(FILE_UNREADABLE\)\n {2}try: a file in that folder\n$/)
  })

  it('take 3,000 feeds at once', async () => {
    const stdin = outlines(...Array.from({ length: 3_000 }, (_, n) => outline(`https://many.example/${n}`, `feed ${n}`)))
    expect((await cli(['feed', 'import', 'many', '-'], { stdin })).exit).toBe(0)
    const feeds = await feedsOf('many')
    expect([feeds.length, feeds[2_999]]).toEqual([3_000, { url: 'https://many.example/2999', title: 'feed 2999' }])
  })

  it('export nothing but OPML: --json is refused', async () => {
    expect(await cli(['feed', 'export', 'two', '--json'])).toMatchObject({ exit: 2, out: '' })
  })
})
