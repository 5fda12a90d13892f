import { afterEach, describe, expect, it } from 'vitest'
import { decodeDocument, encodeDocument } from '../../../src/feeds/parse/codec.js'
import { ParsePool, type ParseResult } from '../../../src/feeds/parse/pool.js'
import { ATOM, item, NOW, parse, RSS, rss, URL_OF_FEED } from './documents.js'

const open: ParsePool[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map(pool => pool.close()))
})

function openPool(options: ConstructorParameters<typeof ParsePool>[0] = { threads: 2 }): ParsePool {
  const pool = new ParsePool(options)
  open.push(pool)
  return pool
}

const task = (document: string, previous: Uint8Array | null = null) => ({
  body: new TextEncoder().encode(document),
  contentType: 'text/xml',
  url: URL_OF_FEED,
  now: NOW,
  previous,
})

const documentOf = (result: ParseResult) => ('document' in result ? decodeDocument(result.document) : result)

describe('parser threads', () => {
  it('read documents as this thread does', async () => {
    const pool = openPool()
    const results = await Promise.all([pool.parse(task(RSS)), pool.parse(task(ATOM)), pool.parse(task(RSS))])
    expect(results.map(documentOf)).toEqual([await parse(RSS), await parse(ATOM), await parse(RSS)])
    expect(results[0]).toMatchObject({ rhythm: { ttlMinutes: 90 } })
  })

  it('give what is wrong with a document as a result', async () => {
    expect(await openPool().parse(task('<html></html>'))).toMatchObject({ failure: { code: 'FEED_NOT_A_FEED' } })
  })

  it('take over the posts of an earlier version, and leave its bytes usable', async () => {
    const earlier = await parse(rss(item(1, '<description>one</description>'), item(2)))
    const marked = { ...earlier, posts: earlier.posts.map(post => ({ ...post, content: `kept ${post.content}` })) }
    const previous = encodeDocument(marked)
    const result = await openPool().parse(task(rss(item(1, '<description>one</description>'), item(3)), previous))
    expect(documentOf(result)).toMatchObject({
      posts: [
        { guid: 'tag:1', content: 'kept one' },
        { guid: 'tag:3', content: '' },
      ],
    })
    expect(decodeDocument(previous)).toEqual(marked)
  })

  it('read a body that is part of a larger buffer', async () => {
    const larger = new TextEncoder().encode(`xx${RSS}xx`)
    const result = await openPool().parse({ ...task(''), body: larger.subarray(2, -2) })
    expect(documentOf(result)).toEqual(await parse(RSS))
    expect(larger.byteLength).toBeGreaterThan(0)
  })

  it('do not give up a document that was read while this process was held up itself', async () => {
    const pool = openPool({ threads: 1, maxParseMs: 3_000 })
    await pool.parse(task(RSS))
    const long = rss(...Array.from({ length: 300 }, (_, n) => item(n)))
    const reading = pool.parse(task(long))
    // It is on its way to a thread.
    await new Promise(resolve => setImmediate(resolve))
    for (const begun = performance.now(); performance.now() - begun < 3_500; );
    expect(documentOf(await reading)).toEqual(await parse(long))
  })

  it('are ended by a document that takes too long, which fails alone', async () => {
    const pool = openPool({ threads: 1, maxParseMs: 1 })
    const endless = rss(
      ...Array.from({ length: 5_000 }, (_, n) => item(n, `<description>${'&lt;b&gt;x'.repeat(50)}</description>`)),
    )
    expect(await pool.parse(task(endless))).toMatchObject({
      failure: { code: 'FEED_UNREADABLE', message: expect.stringContaining('too long') },
    })
  })

  it('stop with the reason of the signal, running and waiting, and go on with the next', async () => {
    const pool = openPool({ threads: 1 })
    const stop = new AbortController()
    const parses = [1, 2, 3].map(() => pool.parse(task(RSS), stop.signal))
    stop.abort(new Error('enough'))
    for (const running of parses) await expect(running).rejects.toThrow('enough')
    expect(documentOf(await pool.parse(task(RSS)))).toEqual(await parse(RSS))
  })

  it('survive a document that takes all their memory', async () => {
    const pool = openPool({ threads: 1, maxHeapMb: 32, maxParseMs: 50_000 })
    // A thousand posts of 30 KB each, which are all kept until the document is whole.
    const content = 'word '.repeat(6_000)
    const items = Array.from(
      { length: 1_000 },
      (_, n) => `<item><guid>${n}</guid><description>&lt;p>${n} ${content}</description></item>`,
    )
    const greedy = `<rss version="2.0"><channel><title>x</title>${items.join('')}</channel></rss>`
    expect(await pool.parse(task(greedy))).toMatchObject({
      failure: { code: 'FEED_UNREADABLE', message: expect.stringContaining('memory') },
    })
    expect(documentOf(await pool.parse(task(RSS)))).toEqual(await parse(RSS))
  })
})
