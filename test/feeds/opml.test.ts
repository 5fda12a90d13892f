import { describe, expect, it } from 'vitest'
import { MAX_OPML_BYTES, MAX_OPML_FEEDS, readOpml as readBytes, writeOpml } from '../../src/feeds/opml.js'
import { isFailure } from '../../src/kernel/errors.js'

const opml = (...lines: string[]) =>
  ['<?xml version="1.0"?>', '<opml version="2.0"><head/><body>', ...lines, '</body></opml>'].join('\n')

const readOpml = (text: string) => readBytes(new TextEncoder().encode(text))

function refusalOf(read: () => unknown): { code: string; message: string } {
  try {
    read()
  } catch (error) {
    if (isFailure(error)) return { code: error.code, message: error.message }
    throw error
  }
  return { code: 'none', message: '' }
}

function mistakesIn(text: string): string {
  const { code, message } = refusalOf(() => readOpml(text))
  expect(code).toBe('OPML_INVALID')
  return message
}

describe('reading', () => {
  it('flattens folders and keeps order, titles and lines', () => {
    const text = opml(
      '<outline text="News">',
      '  <outline text="a" title="A &amp; O" type="rss" xmlUrl="https://a.example/feed"/>',
      '  <outline text="Deeper"><outline text="b" xmlurl="feed://b.example/"/></outline>',
      '</outline>',
      '<outline',
      '   type="rss"',
      '   xmlUrl="https://c.example/"/>',
    )
    expect(readOpml(text)).toEqual([
      { url: 'https://a.example/feed', title: 'A & O', line: 4 },
      { url: 'http://b.example/', title: 'b', line: 5 },
      { url: 'https://c.example/', title: null, line: 7 },
    ])
  })

  it('keeps a URL once', () => {
    const text = opml('<outline xmlUrl="https://a.example"/>', '<outline xmlUrl="https://A.example:443/#x"/>')
    expect(readOpml(text)).toEqual([{ url: 'https://a.example/', title: null, line: 3 }])
  })

  it('names every mistake with its line and gives nothing', () => {
    const text = opml(
      '<outline xmlUrl="https://a.example/"/>',
      '<outline xmlUrl="ftp://b.example/"/>',
      '<outline xmlUrl=""/>',
      '<outline type="rss" text="no url"/>',
    )
    const mistakes = mistakesIn(text)
    expect(mistakes).toMatch(/^line 4: xmlUrl "ftp:\/\/b\.example\/" is not an http\(s\) URL$/m)
    expect(mistakes).toMatch(/^line 5: xmlUrl is empty$/m)
    expect(mistakes).toMatch(/^line 6: .*no xmlUrl$/m)
    expect(mistakes).not.toContain('line 3')
  })

  it.each([
    ['a broken tag', opml('<outline xmlUrl="https://a.example/"></body>'), /line 3: not well-formed XML/],
    ['an end that is missing', opml('<outline xmlUrl="https://a.example/"/>').slice(0, -8), /not well-formed XML/],
    ['an entity of its own', '<!DOCTYPE opml [<!ENTITY x "y">]>\n<opml><body/></opml>', /line \d: a DOCTYPE/],
    ['an attribute twice', opml('<outline xmlUrl="https://a.example/" xmlUrl="https://b.example/"/>'), /line 3: not well-formed/],
    ['another root', '<rss version="2.0"/>', /line 1: the root element is <rss>/],
    ['no XML', 'https://a.example/', /line 1: not well-formed XML/],
    ['nothing', '', /not well-formed XML/],
    ['no feed', opml('<outline text="empty"/>'), /no feed/],
  ])('refuses %s', (_name, text, words) => {
    expect(mistakesIn(text)).toMatch(words)
  })

  it('refuses a file that is too large, and reads one that is just not', () => {
    const filled = (bytes: number) => opml('<outline xmlUrl="http://a.example/"/>').padEnd(bytes, ' ')
    expect(readOpml(filled(MAX_OPML_BYTES))).toHaveLength(1)
    const { code, message } = refusalOf(() => readOpml(filled(MAX_OPML_BYTES + 1)))
    expect([code, message]).toEqual(['OPML_TOO_LARGE', 'the OPML file is larger than 10000000 bytes'])
  })

  it('refuses more feeds than are allowed; what is repeated counts once', () => {
    const outlines = Array.from({ length: MAX_OPML_FEEDS + 1 }, (_, n) => `<outline xmlUrl="http://a.example/${n}"/>`)
    const { code, message } = refusalOf(() => readOpml(opml(...outlines)))
    expect([code, message]).toEqual(['OPML_TOO_LARGE', 'line 10003: the OPML file names more than 10000 feeds'])
    expect(readOpml(opml(...outlines.slice(1), ...outlines.slice(1)))).toHaveLength(MAX_OPML_FEEDS)
  })

  it.each([
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${opml('<outline text="\u00e9\u65e5" xmlUrl="https://a.example/"/>')}`, 'utf16le')],
    ['UTF-8 with a mark', Buffer.from(`\uFEFF${opml('<outline text="\u00e9\u65e5" xmlUrl="https://a.example/"/>')}`)],
  ])('reads %s', (_name, bytes) => {
    expect(readBytes(bytes)).toEqual([{ url: 'https://a.example/', title: '\u00e9\u65e5', line: 3 }])
  })

  it('reads the charset that the prolog names', () => {
    const text = opml('<outline text="caf\xe9 \x93x\x94" xmlUrl="https://a.example/"/>')
    const declared = text.replace('?>', ' encoding="windows-1252"?>')
    expect(readBytes(Buffer.from(declared, 'latin1'))[0]?.title).toBe('caf\u00e9 \u201cx\u201d')
    const russian = text.replace('?>', ' encoding="windows-1251"?>')
    expect(readBytes(Buffer.from(russian, 'latin1'))[0]?.title).toBe('caf\u0439 \u201cx\u201d')
  })

  it('reads the entities of HTML in titles, and ampersands that start none', () => {
    const text = opml('<outline text="a&nbsp;&eacute; &#x41;&apos;&lt;b&gt;" xmlUrl="https://a.example/?x=1&y=2&amp;z=3"/>')
    expect(readOpml(text)).toEqual([{ url: 'https://a.example/?x=1&y=2&z=3', title: "a \u00e9 A'<b>", line: 3 }])
  })

  it.each([
    ['an entity nobody knows', '&none; x', '&none; x'],
    ['a name that JavaScript knows', '&constructor; x', '&constructor; x'],
    ['control characters, however they are written', 'a\x01&#2;&#x3; x\uFFFF', 'a x'],
    ['references to Windows-1252', '&#146;&#x93;', '\u2019\u201c'],
    ['what begins like a reference', '&#zz; &#; &;', '&#zz; &#; &;'],
  ])('reads %s in a title', (_name, written, title) => {
    const text = opml(`<outline text="${written}" xmlUrl="https://a.example/"/>`)
    expect(readOpml(text)).toEqual([{ url: 'https://a.example/', title, line: 3 }])
  })

  it('minds neither blank lines before the declaration nor what stands behind the root, and keeps count of the lines', () => {
    const text = opml('<outline xmlUrl="https://a.example/"/>')
    const a = { url: 'https://a.example/', title: null }
    expect(readOpml(`\n \n${text}`)).toEqual([{ ...a, line: 5 }])
    for (const rest of ['\njunk & <b', '<script/>', opml('<outline xmlUrl="https://b.example/"/>'), '<!-- no end']) {
      expect(readOpml(`${text}${rest}`)).toEqual([{ ...a, line: 3 }])
    }
  })

  it('takes xmlUrl in any case, else url, but not the page of a link', () => {
    const text = opml(
      '<outline type="rss" XMLURL="https://a.example/"/>',
      '<outline type="rss" url="https://b.example/"/>',
      '<outline type="rss" xmlUrl="" url="https://c.example/"/>',
      '<outline type="rss" xmlUrl="https://d.example/" url="https://not.example/"/>',
      '<outline type="link" url="https://not.example/"/>',
      '<outline type="include" url="https://not.example/x.opml"/>',
      '<outline text="feed" XmlUrl="feed:https://e.example/"/>',
    )
    expect(readOpml(text).map(({ url }) => url)).toEqual(['a', 'b', 'c', 'd', 'e'].map(name => `https://${name}.example/`))
  })

  it('refuses a billion laughs without a smile', () => {
    const entities = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`)
    const bomb = `<!DOCTYPE opml [<!ENTITY l0 "lol">${entities.join('')}]>\n${opml('<outline text="&l9;" xmlUrl="https://a.example/"/>')}`
    expect(mistakesIn(bomb)).toMatch(/^line 1: a DOCTYPE is not accepted$/)
  })

  it('opens folders in folders, ten thousand deep', () => {
    const deep = 10_000
    const text = opml(
      '<outline text="x">'.repeat(deep),
      '<outline xmlUrl="https://a.example/"/>',
      '</outline>'.repeat(deep),
      '<outline xmlUrl="https://b.example/"/>',
    )
    expect(readOpml(text).map(({ url }) => url)).toEqual(['https://a.example/', 'https://b.example/'])
  })

  it('cuts a long title between characters', () => {
    const [feed] = readOpml(opml(`<outline text="${'x'.repeat(249)}\u{1F600}" xmlUrl="https://a.example/"/>`))
    expect(feed?.title).toBe('x'.repeat(249))
  })
})

describe('writing', () => {
  it('gives a file that reads back as it was', () => {
    const feeds = [
      { url: 'https://a.example/?x=1&y=<2>', title: 'A "quoted" & <odd> title' },
      { url: 'https://b.example/', title: '' },
    ]
    const text = writeOpml({ title: 'Feeds of ö & co', feeds, createdAt: Date.UTC(2026, 0, 31) })
    expect(text).toContain('<opml version="2.0">')
    expect(text).toContain('<title>Feeds of ö &amp; co</title>')
    expect(text).toContain('31 Jan 2026')
    expect(readOpml(text).map(({ url, title }) => ({ url, title }))).toEqual([
      { url: 'https://a.example/?x=1&y=%3C2%3E', title: 'A "quoted" & <odd> title' },
      { url: 'https://b.example/', title: 'https://b.example/' },
    ])
  })

  it('gives valid OPML for nobody', () => {
    expect(writeOpml({ title: 'none', feeds: [], createdAt: 0 })).toMatch(/<opml version="2.0">[\s\S]*<body/)
  })
})
