import { expect, test } from 'vitest'
import { candidatesOf } from '../../../src/media/intake/candidates.js'
import { nextAttemptAt } from '../../../src/media/intake/retries.js'
import { sniff } from '../../../src/media/intake/sniff.js'
import { GIF, HTML, MP3, png, SVG } from './pictures.js'

const IMAGES = { mediaTypes: ['image'], mediaMaxBytes: 1000, mediaPerPost: 3 }
const wide = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const urls = (post: { image?: string; enclosures?: unknown[]; content?: string }, policy = IMAGES) => {
  const whole = { image: post.image ?? null, enclosures: JSON.stringify(post.enclosures ?? []), content: post.content ?? '' }
  return candidatesOf(whole, policy).map(({ url, kind, wanted }) => `${wanted ? kind : 'no'} ${url}`)
}

test('the picture comes first, then the enclosures, then the content, each once and no more than are wanted', () => {
  const content =
    '<p>x<img src="https://a.example/1.png?a=1&amp;b=2" /></p><video src="/v" poster="https://a.example/poster"></video><img src="https://a.example/3"><img src="https://a.example/4">'
  const enclosures = [{ url: 'https://a.example/cover#top', type: 'image/png', bytes: null }]
  expect(urls({ image: 'https://a.example/cover', enclosures, content })).toEqual([
    'image https://a.example/cover',
    'image https://a.example/1.png?a=1&b=2',
    'image https://a.example/poster',
  ])
})

test('what the feed says is only believed when it says no', () => {
  const named = (type: string | null, bytes: number | null = null) => ({ url: `https://a.example/${type}-${bytes}`, type, bytes })
  const enclosures = [
    named('audio/mpeg'),
    named('image/jpg'),
    named(null),
    named('image/png', 1001),
    named('application/octet-stream'),
  ]
  expect(urls({ enclosures })).toEqual([
    'no https://a.example/audio/mpeg-null',
    'enclosure https://a.example/image/jpg-null',
    'enclosure https://a.example/null-null',
    'no https://a.example/image/png-1001',
    'enclosure https://a.example/application/octet-stream-null',
  ])
})

test('what the policy wants of a post is neither bounded nor pushed out by what it does not want', () => {
  const unwanted = Array.from({ length: 150 }, (_, n) => ({ url: `https://a.example/${n}.mp3`, type: 'audio/mpeg', bytes: null }))
  const content = unwanted.map((_, n) => `<img src="https://a.example/${n}.png">`).join('')
  const found = urls({ enclosures: unwanted, content }, { ...IMAGES, mediaPerPost: 120 })
  expect(found.filter(url => url.startsWith('image '))).toHaveLength(120)
  expect(found.filter(url => url.startsWith('no '))).toHaveLength(100)
})

test('what is no web address is no candidate', () => {
  const content = ['data:image/png;base64,AA', 'ftp://a.example/x', '//a.example/x', `https://a.example/${'x'.repeat(4_000)}`]
  expect(urls({ content: content.map(src => `<img src="${src}">`).join('') })).toEqual([])
})

test.each([
  [png(), 'image/png'],
  [GIF, 'image/gif'],
  [MP3, 'audio/mpeg'],
  [SVG, 'image/svg+xml'],
  [Buffer.from('\ufeff <!DOCTYPE svg [<!ENTITY a "b">]>\n<s:svg xmlns:s="http://www.w3.org/2000/svg"/>'), 'image/svg+xml'],
  [HTML, 'text/html'],
  [Buffer.from('<!-- a --><p>words'), 'text/html'],
  [Buffer.from('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'), 'text/html'],
  [Buffer.from('<?xml version="1.0"?><rss/>'), 'application/xml'],
  [Buffer.from('<'.repeat(4_100)), 'text/html'],
  [wide('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/svg+xml'],
  [wide(' <!DOCTYPE html><script>1</script>').swap16(), 'text/html'],
  [wide('words'), null],
  [Buffer.from('words'), null],
  [Buffer.from('RIFF'), null],
  [Buffer.alloc(0), null],
] as const)('the bytes of %# are told to be what they are', async (bytes, type) => {
  expect((await sniff(bytes))?.type ?? null).toBe(type)
})

test('what fails is tried again after ten minutes, an hour, six and a day, later when the publisher says so, and then no more', () => {
  const waits = [1, 2, 3, 4, 5].map(attempts => nextAttemptAt(attempts, 'MEDIA_TIMEOUT', null, 0))
  expect(waits).toEqual([600_000, 3_600_000, 21_600_000, 86_400_000, null])
  expect(nextAttemptAt(1, 'MEDIA_LIMITED', 7_200, 5)).toBe(7_200_005)
  expect(nextAttemptAt(1, 'MEDIA_GONE', null, 0)).toBeNull()
  const refused = [1, 2].map(attempts => nextAttemptAt(attempts, 'ADDRESS_REFUSED', null, 0))
  expect(refused).toEqual([86_400_000, null])
})
