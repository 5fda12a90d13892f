import { expect, it } from 'vitest'
import { item, parse, rss } from './documents.js'

const entry = (inner: string) => `<item>${inner}</item>`
const guidsOf = async (...items: string[]) => (await parse(rss(...items))).posts.map(post => post.guid)

it('is the guid, else the link, else a hash of title and content', async () => {
  const [guid, link, hash] = await guidsOf(
    entry('<guid isPermaLink="false"> g1 </guid><link>https://a.example/</link>'),
    entry('<link>https://a.example/2</link>'),
    entry('<title>t</title><description>d</description>'),
  )
  expect([guid, link]).toEqual(['g1', 'https://a.example/2'])
  expect(hash).toMatch(/^hash:[\w-]{22}$/)
  expect(await guidsOf(entry('<title>t</title><description>d</description><pubDate>1 Jan 2026</pubDate>'))).toEqual([hash])
})

it('tells apart a repeated guid by its link, whichever comes first', async () => {
  const a = entry('<guid>same</guid><link>https://a.example/a</link>')
  const b = entry('<guid>same</guid><link>https://a.example/b</link>')
  const guids = ['same https://a.example/a', 'same https://a.example/b']
  expect(await guidsOf(a, b)).toEqual(guids)
  expect(await guidsOf(b, a)).toEqual(guids.toReversed())
})

it('tells apart a repeated guid with the same link by its content, and drops what is the same', async () => {
  const one = entry('<guid>same</guid><link>https://a.example/</link><title>one</title>')
  const two = entry('<guid>same</guid><link>https://a.example/</link><title>two</title>')
  const guids = await guidsOf(one, two, one)
  expect(guids).toHaveLength(2)
  expect(new Set(guids).size).toBe(2)
})

it('of a guid that is too long is its start and a hash', async () => {
  const guids = await guidsOf(entry(`<guid>${'x'.repeat(3_000)}a</guid>`), entry(`<guid>${'x'.repeat(3_000)}b</guid>`))
  expect(new Set(guids).size).toBe(2)
  for (const guid of guids) expect(guid.length).toBeLessThanOrEqual(2_000)
})

it('has hashes of 22 characters; that of the content changes with the post alone', async () => {
  const hashes = async (...items: string[]) => (await parse(rss(...items))).posts.map(post => [post.guidHash, post.contentHash])
  const [before] = await hashes(item(1, '<description>a</description>'), item(2))
  const [moved] = (await hashes(item(2), item(1, '<description>a</description>'))).slice(1)
  const [changed] = await hashes(item(1, '<description>b</description>'))
  expect(before?.every(hash => /^[\w-]{22}$/.test(hash))).toBe(true)
  expect(moved).toEqual(before)
  expect(changed?.[0]).toBe(before?.[0])
  expect(changed?.[1]).not.toBe(before?.[1])
})
