import { describe, expect, it } from 'vitest'
import { parse } from './documents.js'

const HTML = '&lt;a href="in"&gt;x&lt;/a&gt;&lt;img src="/pic.png"&gt;'

/** What is broken in the last line makes the tolerant reader read it: both are held to the same. */
const readers = [
  ['the strict reader', ''],
  ['the tolerant reader', '<x>&unknown;</x>'],
] as const

describe.each(readers)('%s', (_, extra) => {
  it('resolves references of Atom against the xml:base of feed, entry, link and content', async () => {
    const { link, posts } =
      await parse(`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://base.example/feed/">${extra}<link href="home"/>
<entry xml:base="entry/"><id>urn:1</id><link href="post"/><link rel="enclosure" href="a.mp3"/><content type="html" xml:base="deep/">${HTML}</content>
<media:thumbnail url="t.png"/></entry>
<entry><id>urn:2</id><link xml:base="/elsewhere/" href="post"/><summary type="html">${HTML}</summary></entry></feed>`)
    expect(link).toBe('https://base.example/feed/home')
    expect(posts).toMatchObject([
      {
        url: 'https://base.example/feed/entry/post',
        image: 'https://base.example/feed/entry/t.png',
        enclosures: [{ url: 'https://base.example/feed/entry/a.mp3' }],
        content: expect.stringContaining('href="https://base.example/feed/entry/deep/in"'),
      },
      { url: 'https://base.example/elsewhere/post', content: expect.stringContaining('href="https://base.example/feed/in"') },
    ])
    expect(posts[0]?.content).toContain('src="https://base.example/pic.png"')
  })

  it('resolves references of RSS against the xml:base of root, channel, item and description', async () => {
    const { link, posts } =
      await parse(`<rss version="2.0" xml:base="https://base.example/">${extra}<channel xml:base="c/"><title>T</title><link>home</link>
<item xml:base="i/"><link>post</link><enclosure url="a.mp3"/><description>${HTML}</description></item>
<item><link>/post</link><description xml:base="https://other.example/d/">${HTML}</description></item></channel></rss>`)
    expect(link).toBe('https://base.example/c/home')
    expect(posts).toMatchObject([
      {
        url: 'https://base.example/c/i/post',
        enclosures: [{ url: 'https://base.example/c/i/a.mp3' }],
        content: expect.stringContaining('href="https://base.example/c/i/in"'),
      },
      { url: 'https://base.example/post', content: expect.stringContaining('href="https://other.example/d/in"') },
    ])
  })

  it('takes the link of the feed, then the address of the document, where no xml:base is, and no base that is no web address', async () => {
    const feed = (start: string) => `${start}${extra}<channel><title>T</title><item><link>post</link></item></channel></rss>`
    expect((await parse(feed('<rss>'))).posts[0]?.url).toBe('https://feeds.example/dir/post')
    expect((await parse(feed('<rss>').replace('<item>', '<link>/blog/</link><item>'))).posts[0]?.url).toBe(
      'https://feeds.example/blog/post',
    )
    for (const base of ['javascript:alert(1)//', 'data:text/html,', 'http://[bad', 'file:///etc/']) {
      expect((await parse(feed(`<rss xml:base="${base}">`))).posts[0]?.url).toBe('https://feeds.example/dir/post')
    }
  })
})

it('of the element in XHTML counts as well', async () => {
  const div = '<div xmlns="http://www.w3.org/1999/xhtml" xml:base="https://div.example/"><a href="in">x</a></div>'
  const { posts } = await parse(
    `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><content type="xhtml">${div}</content></entry></feed>`,
  )
  expect(posts[0]?.content).toContain('href="https://div.example/in"')
})
