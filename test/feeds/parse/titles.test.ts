import { expect, it } from 'vitest'
import { atom, parse, rss } from './documents.js'

const inRss = async (title: string) => (await parse(rss(`<item><guid>1</guid><title>${title}</title></item>`))).posts[0]?.title
const inAtom = async (title: string) => (await parse(atom(`<entry><id>1</id>${title}</entry>`))).posts[0]?.title

it.each([
  ['Vec&lt;T&gt; explained', 'Vec<T> explained'],
  ['Map&lt;String, List&lt;int&gt;&gt;', 'Map<String, List<int>>'],
  ['<![CDATA[x<y and i <3 u]]>', 'x<y and i <3 u'],
  ['<![CDATA[A <em>first</em> <custom>post</custom>]]>', 'A first post'],
  ['&lt;mml:math&gt;a&lt;/mml:math&gt;', 'a'],
  ['&lt;SPAN&gt;a&lt;br&gt;b', 'a b'],
  ['a &amp;lt;b&amp;gt; c', 'a <b> c'],
])('in RSS keeps what is no element: %s is %s', async (written, title) => {
  expect(await inRss(written)).toBe(title)
})

it.each([
  ['<title>Why does &lt;div&gt; break?</title>', 'Why does <div> break?'],
  ['<title>std::vector&lt;int&gt; &amp; co</title>', 'std::vector<int> & co'],
  ['<title>A &lt;b&gt;bold&lt;/b&gt; one</title>', 'A bold one'],
  ['<title>AT&amp;amp;T &amp;#8211; x</title>', 'AT&T \u2013 x'],
  ['<title type="html">The &lt;i&gt;one</title>', 'The one'],
  ['<title type="text">a &lt;b&gt;b&lt;/b&gt;</title>', 'a <b>b</b>'],
  ['<title>a <b>b</b></title>', 'a b'],
])('in Atom without a type is text, unless it is surely HTML: %s is %s', async (written, title) => {
  expect(await inAtom(written)).toBe(title)
})
