import { describe, expect, it } from 'vitest'
import { shellUrl, shownUrl, typedUrl } from '../../../src/feeds/discovery/address.js'
import { hintFor } from '../../../src/feeds/discovery/hints.js'
import { sourceUrl } from '../../../src/feeds/urls.js'

describe('an address that is typed', () => {
  it.each([
    ['blog.example.com', 'https://blog.example.com/'],
    [' Blog.Example.com. ', 'https://blog.example.com./'],
    ['example.com:8080/feed?a=1', 'https://example.com:8080/feed?a=1'],
    ['example.com?feed=rss2', 'https://example.com/?feed=rss2'],
    ['bücher.example/a', 'https://xn--bcher-kva.example/a'],
    ['例え.テスト', 'https://xn--r8jz45g.xn--zckzah/'],
    ['x.xn--zckzah', 'https://x.xn--zckzah/'],
    ['feeds.opml', 'https://feeds.opml/'],
  ])('may lack https:// before a host name: %s', (text, url) => {
    expect(typedUrl(text)).toEqual({ url, guessed: true })
  })

  it.each([
    ['http://blog.example.com', 'http://blog.example.com/'],
    ['HTTPS://blog.example.com#top', 'https://blog.example.com/'],
    ['feed://blog.example.com/x', 'http://blog.example.com/x'],
    ['https://user.example', 'https://user.example/'],
  ])('is no guess with a scheme: %s', (text, url) => {
    expect(typedUrl(text)).toEqual({ url, guessed: false })
  })

  it.each([
    'nonsense',
    'localhost:8080',
    '127.0.0.1:8080/feed',
    'a.b',
    '.example.com',
    './feed.xml',
    '/etc/feed.xml',
    'ann@example.com',
    'ftp://x.example/',
    'mailto:ann@example.com',
    'user.name:secret@example.com',
    'x.example:port',
    '',
    `x.example/${'y'.repeat(2_000)}`,
  ])('is refused otherwise: %j', text => {
    expect(() => typedUrl(text)).toThrow(expect.objectContaining({ code: 'URL_INVALID' }))
  })
})

it('of a source is null for what no source can have', () => {
  expect(sourceUrl('https://x.example/#top')).toBe('https://x.example/')
  for (const text of [`https://x.example/${'y'.repeat(2_000)}`, 'ftp://x.example/', 'https://u:p@x.example/'])
    expect(sourceUrl(text)).toBeNull()
})

it('is cut in messages and whole for a shell', () => {
  const url = `https://x.example/?a=1&b=${'y'.repeat(200)}`
  expect([shownUrl(url).length, url.startsWith(shownUrl(url).slice(0, -1)), shownUrl(url).at(-1)]).toEqual([100, true, '…'])
  expect([shownUrl('https://x.example/'), shellUrl('https://x.example/')]).toEqual(['https://x.example/', 'https://x.example/'])
  expect([shellUrl(url), shellUrl("https://x.example/it's")]).toEqual([`'${url}'`, "'https://x.example/it%27s'"])
})

it.each([
  ['FEED_NOT_A_FEED', 'parse', 'feedctl feed discover https://x.example/a'],
  ['FEED_NOT_A_FEED', 'discover', 'feedctl feed discover https://x.example/'],
  ['FEED_GONE', 'parse', 'feedctl feed discover https://x.example/'],
  ['FEED_HTTP_STATUS', 'discover', 'feedctl feed discover https://x.example/'],
  ['ADDRESS_REFUSED', 'discover', 'name it in FEEDCTL_FETCH_ALLOW if it is yours'],
  ['FEED_TOO_LARGE', 'parse', 'set FEEDCTL_FETCH_MAX_BYTES'],
  ['FEED_TIMEOUT', 'discover', null],
  ['FEED_UNREACHABLE', 'parse', null],
] as const)('has a way on after %s of %s: %s', (code, did, hint) => {
  expect(hintFor(code, 'https://x.example/a', did)).toBe(hint)
})

it('is not sent back to where it was', () => {
  expect(hintFor('FEED_GONE', 'https://x.example/', 'parse')).toBeNull()
  expect(hintFor('FEED_GONE', 'https://x.example/', 'discover')).toMatch(/^feedctl feed add .* --unseen$/)
})
