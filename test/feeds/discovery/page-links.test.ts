import { describe, expect, it } from 'vitest'
import { serviceGuesses, usualPlaces } from '../../../src/feeds/discovery/guesses.js'
import { pageLinks, withoutTwins } from '../../../src/feeds/discovery/page-links.js'

const PAGE = 'https://blog.example/2026/post.html'
const named = (html: string) => pageLinks(html, PAGE).named
const lookalikes = (html: string) => pageLinks(html, PAGE).lookalikes

describe('the feeds a page names', () => {
  it.each([
    [
      'an RSS feed',
      '<link rel="alternate" type="application/rss+xml" href="https://blog.example/rss">',
      ['https://blog.example/rss'],
    ],
    ['in any case and order, unquoted', '<LINK HREF=/rss TYPE=Application/RSS+XML REL=Alternate>', ['https://blog.example/rss']],
    [
      'Atom, RDF, JSON Feed',
      '<link rel=alternate type=application/atom+xml href=/a><link rel=alternate type=application/rdf+xml href=/r><link rel=alternate type=application/feed+json href=/j>',
      ['https://blog.example/a', 'https://blog.example/r', 'https://blog.example/j'],
    ],
    [
      'with parameters in the type',
      '<link rel="alternate" type="application/atom+xml; charset=utf-8" href="a.xml">',
      ['https://blog.example/2026/a.xml'],
    ],
    ['by rel="feed" without a type', '<link rel="feed home" href="/feed">', ['https://blog.example/feed']],
    [
      'relative to <base>, wherever it stands',
      '<link rel=alternate type=text/xml href=x.xml><base href="/deep/er/"><base href="/no/">',
      ['https://blog.example/deep/er/x.xml'],
    ],
    [
      'with entities and spaces in the address',
      '<link rel=alternate type=text/xml href="  /f?a=1&amp;b=2#top ">',
      ['https://blog.example/f?a=1&b=2'],
    ],
    [
      'by feed: addresses',
      '<link rel=alternate type=text/xml href="feed:https://blog.example/f"><link rel=alternate type=text/xml href="feed://blog.example/g">',
      ['https://blog.example/f', 'http://blog.example/g'],
    ],
    [
      'of the two schemes, the safe one',
      '<link rel=feed href="http://blog.example/f"><link rel=feed href="https://blog.example/f">',
      ['https://blog.example/f'],
    ],
    [
      'JSON of any kind last',
      '<link rel=alternate type=application/json href=/wp-json><link rel=alternate type=application/rss+xml href=/rss>',
      ['https://blog.example/rss', 'https://blog.example/wp-json'],
    ],
    [
      'in the body of a page that breaks',
      '<p><b></p><div <link rel=x><link rel=alternate type=application/rss+xml href=/rss',
      [],
    ],
    ['in an anchor with a type', '<a rel=alternate type=application/rss+xml href=/x>x</a>', ['https://blog.example/x']],
  ])('are found: %s', (_what, html, urls) => {
    expect(named(html)).toEqual(urls)
  })

  it.each([
    ['a style sheet', '<link rel="alternate stylesheet" type="text/xml" href="/s">'],
    ['another language', '<link rel="alternate" hreflang="de" href="/de">'],
    [
      'oEmbed',
      '<link rel="alternate" type="application/json+oembed" href="/o"><link rel="alternate" type="text/xml+oembed" href="/p">',
    ],
    ['a comment', '<!-- <link rel="feed" href="/c"> -->'],
    ['a script', '<script>document.write(\'<link rel="feed" href="/s">\')</script>'],
    [
      'what is no web address',
      '<link rel=feed href="javascript:alert(1)"><link rel=feed href="ftp://x/"><link rel=feed href="http://"><link rel=feed href="https://u:p@x.example/">',
    ],
    ['no address', '<link rel="feed"><link rel="feed" src="/x">'],
  ])('are not: %s', (_what, html) => {
    expect(named(html)).toEqual([])
  })

  it('are twelve at most, of a page of any length', () => {
    const many = Array.from({ length: 5_000 }, (_, n) => `<link rel=feed href=/${n}>`).join('')
    expect(named(many)).toEqual(Array.from({ length: 12 }, (_, n) => `https://blog.example/${n}`))
    for (const piece of ['<div>', '<a', '<link rel="', '<!--', '&', '<script>', 'href=x '])
      expect(named(piece.repeat(500_000))).toEqual([])
  })
})

describe('links of a page that look like feeds', () => {
  it.each([
    '/feed',
    '/feed/',
    '/blog/rss.xml',
    '/x.atom',
    '/news.rdf',
    '/index.xml',
    '/?feed=rss2',
    '/feeds/all.atom.xml',
    '/rss2',
    '/list?format=rss',
    '/rss.php',
  ])('are: %s', href => {
    expect(lookalikes(`<a href="${href}">x</a>`)).toEqual([new URL(href, PAGE).href])
  })

  it.each([
    '/',
    '/feedback',
    '/about',
    '/rsstroom',
    '/atomic',
    '/feed/post-1',
    '/sitemap.xml',
    '/press',
    'mailto:feed@x.example',
    '#feed',
  ])('are not: %s', href => {
    expect(lookalikes(`<a href="${href}">x</a>`)).toEqual([])
  })
})

describe('guesses', () => {
  it.each([
    ['https://www.youtube.com/channel/UC_x-1/videos', ['https://www.youtube.com/feeds/videos.xml?channel_id=UC_x-1']],
    ['https://www.youtube.com/playlist?list=PL1', ['https://www.youtube.com/feeds/videos.xml?playlist_id=PL1']],
    ['https://www.youtube.com/@someone', []],
    [
      'https://github.com/nodejs/node/releases',
      ['https://github.com/nodejs/node/releases.atom', 'https://github.com/nodejs/node/commits.atom'],
    ],
    ['https://github.com/nodejs', []],
    ['https://old.reddit.com/r/node/', ['https://old.reddit.com/r/node/.rss']],
    ['https://www.reddit.com/r/node/.rss', []],
    ['https://medium.com/@some.one', ['https://medium.com/feed/@some.one']],
    ['https://social.example/@someone', ['https://social.example/@someone.rss']],
    ['https://social.example/@someone.rss', []],
    ['https://blog.example/a/b', []],
  ])('of services, from %s', (page, urls) => {
    expect(serviceGuesses(page)).toEqual(urls)
  })

  it('of usual places begin beside the page and go on at the root, each once', () => {
    const deep = usualPlaces('https://x.example/~ann/index.html?q=1')
    expect([deep.length, deep[0], deep[8]]).toEqual([16, 'https://x.example/~ann/feed', 'https://x.example/feed'])
    expect(usualPlaces('https://x.example')).toHaveLength(8)
    expect(usualPlaces('https://x.example/blog')[1]).toBe('https://x.example/blog/rss.xml')
  })

  it('drop the unsafe twin and keep the order', () => {
    expect(withoutTwins(['http://b/', 'https://a/', 'https://b/', 'http://a/'])).toEqual(['https://b/', 'https://a/'])
  })
})
