import { expect, it } from 'vitest'
import { isFailure } from '../../../src/kernel/errors.js'
import { parse } from './documents.js'

const feed = (...items: readonly unknown[]) => JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', title: 'T', items })

async function refusal(document: string): Promise<string> {
  return parse(document).then(
    () => 'read',
    error => {
      if (!isFailure(error)) throw error
      return `${error.code} ${error.message}`
    },
  )
}

it('links to its id when that is an address and nothing else is', async () => {
  const items = [
    { id: 'https://s.example/1', content_text: 'x' },
    { id: 'https://s.example/2', url: '/two', content_text: 'x' },
    { id: 'x', content_text: 'x' },
  ]
  expect((await parse(feed(...items))).posts.map(post => post.url)).toEqual([
    'https://s.example/1',
    'https://feeds.example/two',
    null,
  ])
})

it('leaves out what is no item without calling it cut', async () => {
  expect(await parse(feed({ id: '1', content_text: 'a' }, null, 7))).toMatchObject({ notices: [], posts: [{ guid: '1' }] })
})

it('is read behind what a server had to say', async () => {
  expect(await parse(`\nWarning: mind\n  ${feed({ id: '1', content_text: 'a < b' })}`)).toMatchObject({
    format: 'json',
    title: 'T',
    posts: [{ guid: '1' }],
  })
})

it.each([
  ['[1,2]', /^FEED_NOT_A_FEED the list at line 1, column 1 is no feed: JSON Feed is an object/],
  ['\n{"items":[1]}', /^FEED_NOT_A_FEED the items at line 2, column 2 .* none is an object/],
  ['{"title":"x"}', /^FEED_NOT_A_FEED the JSON at line 1, column 1 has no items/],
  [' {"items":[]}', /^FEED_NOT_A_FEED not a JSON Feed at line 1, column 2/],
  ['hello', /^FEED_NOT_A_FEED neither XML nor JSON/],
])('%j is refused with its place', async (document, words) => {
  expect(await refusal(document)).toMatch(words)
})
