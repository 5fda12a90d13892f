import { describe, expect, it } from 'vitest'
import { atom, item, parse, rss } from './documents.js'

const post = async (inner: string) => (await parse(rss(item(1, inner)))).posts[0]

describe('the picture of a post', () => {
  it.each([
    ['<media:thumbnail url="https://s.example/t.jpg"/>', 'https://s.example/t.jpg'],
    ['<media:thumbnail url="/t.jpg"/>', 'https://site.example/t.jpg'],
    [
      '<media:thumbnail url="https://s.example/s.jpg" width="75"/><media:thumbnail url="https://s.example/l.jpg" width="640"/>',
      'https://s.example/l.jpg',
    ],
    [
      '<media:group><media:content url="https://s.example/v.mp4" type="video/mp4"><media:thumbnail url="https://s.example/v.jpg"/></media:content></media:group>',
      'https://s.example/v.jpg',
    ],
    ['<media:content medium="image" url="https://s.example/c"/>', 'https://s.example/c'],
    ['<media:content type="image/png" url="https://s.example/c"/>', 'https://s.example/c'],
    [
      '<media:content url="https://s.example/c.jpg?w=1" width="140"/><media:content url="https://s.example/c.jpg?w=4" width="460"/>',
      'https://s.example/c.jpg?w=4',
    ],
    ['<media:content medium="video" url="https://s.example/c.png"/>', null],
    ['<itunes:image href="https://s.example/cover.jpg"/>', 'https://s.example/cover.jpg'],
    ['<itunes:image>https://s.example/cover.jpg</itunes:image>', 'https://s.example/cover.jpg'],
    ['<image><url>https://s.example/i.gif</url></image>', 'https://s.example/i.gif'],
    [
      '<media:content url="https://a.example/face?s=96&amp;d=x" medium="image"/><media:content url="https://s.example/p.jpg" medium="image"/>',
      'https://s.example/p.jpg',
    ],
    ['<media:content url="https://s.example/icon.png" medium="image" width="48"/>', null],
    ['<media:content url="https://s.example/p.jpg?w=1" medium="image" width="460"/>', 'https://s.example/p.jpg?w=1'],
    ['<media:content url="https://s.example/p.jpg"/><itunes:image href="https://s.example/c.jpg"/>', 'https://s.example/c.jpg'],
    [
      '<enclosure url="https://s.example/e.mp3" type="audio/mpeg"/><enclosure url="https://s.example/e" type="image/jpeg"/>',
      'https://s.example/e',
    ],
    ['<enclosure url="https://s.example/e.png"/>', 'https://s.example/e.png'],
    ['<media:thumbnail url="javascript:alert(1)"/>', null],
    ['<media:thumbnail url="data:image/png;base64,AA"/>', null],
    ['', null],
  ])('of %s is %s', async (inner, image) => {
    expect((await post(inner))?.image).toBe(image)
  })
})

it('Media RSS adds enclosures, in groups as well, and repeats none', async () => {
  const inner = `<enclosure url="https://s.example/a.mp3" type="audio/mpeg" length="7"/>
<media:content url="https://s.example/a.mp3" type="audio/mpeg" fileSize="8"/>
<media:group><media:content url="https://s.example/hi.mp4" type="video/mp4" fileSize="900"/><media:content url="https://s.example/lo.mp4"/></media:group>`
  expect((await post(inner))?.enclosures).toEqual([
    { url: 'https://s.example/a.mp3', type: 'audio/mpeg', bytes: 7 },
    { url: 'https://s.example/hi.mp4', type: 'video/mp4', bytes: 900 },
    { url: 'https://s.example/lo.mp4', type: null, bytes: null },
  ])
})

it('what a content says is about that file, not about the post', async () => {
  const face =
    '<media:content url="https://a.example/face?s=96" medium="image"><media:title type="html">jane</media:title></media:content>'
  const picture =
    '<media:content url="https://s.example/p"><media:description>Alternative text</media:description></media:content>'
  const { posts } = await parse(rss(`<item><guid>1</guid>${face}${picture}</item>`))
  expect(posts).toMatchObject([{ title: '', content: '' }])
})

it.each([
  ['<media:description>One\n\nTwo: 1 &lt; 2 &lt;3</media:description>', 'One<br /><br />Two: 1 &lt; 2 &lt;3'],
  ['<media:description type="plain">a &lt;b&gt;c&lt;/b&gt;</media:description>', 'a &lt;b&gt;c&lt;/b&gt;'],
  ['<media:description type="html">a\n&lt;b&gt;c&lt;/b&gt;</media:description>', 'a\n<b>c</b>'],
  ['<media:description>a &lt;b&gt;c&lt;/b&gt;</media:description>', 'a <b>c</b>'],
])('%j reads as %j', async (inner, content) => {
  expect((await parse(rss(`<item><guid>1</guid><media:group>${inner}</media:group></item>`))).posts[0]?.content).toBe(content)
})

it('Media RSS gives title and content to an entry without its own', async () => {
  const group = '<media:group><media:title>Video</media:title><media:description>About it</media:description></media:group>'
  const entries = atom(
    `<entry><id>urn:1</id>${group}</entry>`,
    `<entry><id>urn:2</id><title>Own</title><summary>own</summary>${group}</entry>`,
  )
  expect((await parse(entries)).posts).toMatchObject([
    { title: 'Video', content: 'About it' },
    { title: 'Own', content: 'own' },
  ])
})
