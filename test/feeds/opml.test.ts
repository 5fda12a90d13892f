import { describe, expect, it } from 'vitest'
import { readOpml, writeOpml } from '../../src/feeds/opml.js'

const opml = (...lines: string[]) =>
  ['<?xml version="1.0"?>', '<opml version="2.0"><head/><body>', ...lines, '</body></opml>'].join('\n')

function mistakesIn(text: string): string {
  try {
    readOpml(text)
    return 'none'
  } catch (error) {
    expect(error).toMatchObject({ code: 'OPML_INVALID' })
    return error instanceof Error ? error.message : String(error)
  }
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
    ['an entity nobody knows', opml('<outline text="&nbsp;" xmlUrl="https://a.example/"/>'), /line 3: not well-formed XML/],
    ['another root', '<rss version="2.0"/>', /line 1: the root element is <rss>/],
    ['no XML', 'https://a.example/', /line 1: not well-formed XML/],
    ['nothing', '', /not well-formed XML/],
    ['no feed', opml('<outline text="empty"/>'), /no feed/],
  ])('refuses %s', (_name, text, words) => {
    expect(mistakesIn(text)).toMatch(words)
  })

  it('refuses a file that is too large or names too many', () => {
    expect(mistakesIn(`<opml>${' '.repeat(5_000_000)}</opml>`)).toContain('larger than')
    const outlines = Array.from({ length: 10_001 }, (_, n) => `<outline xmlUrl="http://a.example/${n}"/>`)
    expect(mistakesIn(opml(...outlines))).toMatch(/line 10003: more than 10000 feeds/)
    expect(readOpml(opml(...outlines.slice(1)))).toHaveLength(10_000)
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
