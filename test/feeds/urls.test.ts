import { expect, it } from 'vitest'
import { parseFeedUrl } from '../../src/feeds/urls.js'

it.each([
  ['https://Example.ORG/Feed.xml', 'https://example.org/Feed.xml'],
  ['  http://example.org  ', 'http://example.org/'],
  ['http://example.org:80/a#part', 'http://example.org/a'],
  ['https://example.org:443/a?b=c', 'https://example.org/a?b=c'],
  ['http://example.org:8080/', 'http://example.org:8080/'],
  ['feed:https://example.org/x', 'https://example.org/x'],
  ['feed://example.org/x', 'http://example.org/x'],
  ['FEED://https://example.org/x', 'https://example.org/x'],
  ['http://bücher.example/ä', 'http://xn--bcher-kva.example/%C3%A4'],
])('reads %s as %s, and that as itself', (text, url) => {
  expect(parseFeedUrl(text)).toBe(url)
  expect(parseFeedUrl(url)).toBe(url)
})

it.each([
  '',
  'example.org/feed',
  'ftp://example.org/x',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'feed:',
  'http://',
  `http://a.example/${'x'.repeat(2000)}`,
])('refuses %s', text => {
  expect(() => parseFeedUrl(text)).toThrow(expect.objectContaining({ code: 'URL_INVALID' }))
})

it('refuses credentials without repeating them', () => {
  expect(() => parseFeedUrl('https://jane:secret@example.org/')).toThrow(expect.objectContaining({ code: 'URL_INVALID' }))
  expect(() => parseFeedUrl('https://jane:secret@example.org/')).not.toThrow(/secret/)
})
