import { describe, expect, it } from 'vitest'
import { atom, parse, rss } from './documents.js'

const DAY_MS = 86_400_000
const numbers = Array.from({ length: 1_200 }, (_, number) => number)
const day = (number: number) => new Date(Date.UTC(2020, 0, 1) + number * DAY_MS)
const dated = (number: number) => `<item><guid>${number}</guid><pubDate>${day(number).toUTCString()}</pubDate></item>`
const items = numbers.map(dated)
const jsonItem = (number: number, content = 'x') => ({
  id: `${number}`,
  content_text: content,
  date_published: day(number).toISOString(),
})
const json = (list: readonly unknown[]) =>
  JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', title: 'T', items: list })

const ends = async (document: string) => {
  const { posts, notices } = await parse(document)
  return [posts.length, posts[0]?.guid, posts.at(-1)?.guid, notices.find(({ code }) => code === 'POSTS_CUT')?.message]
}
const cut = (kept: string) => `it has 1200 posts, of which the ${kept} 1000 are read`

describe('of more posts than are read, the newest are', () => {
  const entries = numbers.map(number => `<entry><id>${number}</id><updated>${day(number).toISOString()}</updated></entry>`)
  const long = 'x'.repeat(1_000)

  it.each([
    ['RSS', rss(...items)],
    ['RSS for the tolerant reader', rss(...items, '<x>&unknown;</x>')],
    ['broken RSS', rss(...items).slice(0, -10)],
    ['Atom', atom(...entries)],
    ['JSON Feed', json(numbers.map(number => jsonItem(number)))],
    ['a large JSON Feed', json(numbers.map(number => jsonItem(number, long)))],
  ])('at the end of %s', async (_format, document) => {
    expect(await ends(document)).toEqual([1_000, '200', '1199', cut('last')])
  })

  it.each([
    ['RSS', rss(...items.toReversed())],
    ['RSS for the tolerant reader', rss(...items.toReversed(), '<x>&unknown;</x>')],
    ['JSON Feed', json(numbers.toReversed().map(number => jsonItem(number)))],
    ['a large JSON Feed', json(numbers.toReversed().map(number => jsonItem(number, long)))],
  ])('at the start of %s', async (_format, document) => {
    expect(await ends(document)).toEqual([1_000, '1199', '200', cut('first')])
  })

  it('at the start when nothing is dated', async () => {
    const undated = numbers.map(number => `<item><guid>${number}</guid></item>`)
    expect(await ends(rss(...undated))).toEqual([1_000, '0', '999', cut('first')])
  })
})

it('a document of 10 MB whose dates rise is as bounded as any', async () => {
  const many = Array.from({ length: 100_000 }, (_, number) => `${dated(number % 20_000)}<!-- ${'x'.repeat(20)} -->`)
  const { posts, notices } = await parse(rss(...many))
  expect(posts.length).toBeLessThanOrEqual(1_000)
  expect(notices.map(({ message }) => message).join()).toContain('of which the last 1000 are read')
})
