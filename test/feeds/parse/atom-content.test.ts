import { expect, it } from 'vitest'
import { atom, parse } from './documents.js'

const post = async (inner: string) => (await parse(atom(`<entry><id>urn:1</id>${inner}</entry>`))).posts[0]
const content = async (inner: string) => (await post(inner))?.content
const base64 = (text: string) => Buffer.from(text).toString('base64')

it.each([
  ['<content type="text">a &lt;b&gt; &amp;amp; c</content>', 'a &lt;b&gt; &amp;amp; c'],
  ['<content type="html">&lt;b&gt;x&lt;/b&gt; &amp;amp;</content>', '<b>x</b> &amp;'],
  ['<content type="html"><![CDATA[<b>x</b>]]></content>', '<b>x</b>'],
  [
    '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">1 &lt; <b>2</b><br/>&amp;<i></i>.</div></content>',
    '<div>1 &lt; <b>2</b><br />&amp;<i></i>.</div>',
  ],
  [
    '<content type="xhtml" xmlns:h="http://www.w3.org/1999/xhtml"><h:div>a <h:b>b</h:b> c</h:div></content>',
    '<div>a <b>b</b> c</div>',
  ],
  ['<content><p>not <b>escaped</b></p></content>', '<p>not <b>escaped</b></p>'],
  ['<content type="text/html" mode="xml"><div>a <b>b</b> &lt;c&gt;</div></content>', '<div>a <b>b</b> &lt;c&gt;</div>'],
  ['<content type="text/plain" mode="escaped">1 &lt; 2</content>', '1 &lt; 2'],
  [`<content type="text/html" mode="base64">${base64('<p>gr\u00fcn</p>')}</content>`, '<p>gr\u00fcn</p>'],
  [`<content type="text/plain" mode="base64">${base64('1 < 2')}</content>`, '1 &lt; 2'],
  [`<content type="application/xhtml+xml" mode="base64">${base64('<p>x</p>')}</content>`, '<p>x</p>'],
  [`<content type="image/png" mode="base64">${base64('\u0089PNG')}</content>`, ''],
  [`<content type="image/png">${base64('PNG')}</content>`, ''],
  ['<content type="text/html" mode="base64">/w==</content><summary>s</summary>', 's'],
  ['<content type="TEXT/HTML; charset=utf-8">&lt;b&gt;x&lt;/b&gt;</content>', '<b>x</b>'],
])('%s is read as %s', async (inner, expected) => {
  expect(await content(inner)).toBe(expected)
})

it('is kept with what is marked up in titles', async () => {
  expect(
    await post('<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">a <b>b</b> &lt;c&gt;</div></title>'),
  ).toMatchObject({ title: 'a b <c>' })
  expect(await post('<title type="text">a &lt;b&gt;</title>')).toMatchObject({ title: 'a <b>' })
})

it('that is elsewhere is the page when it is HTML, an enclosure when it is not', async () => {
  expect(await post('<content src="/page" type="text/html"/><summary>s</summary>')).toMatchObject({
    url: 'https://site.example/page',
    content: 's',
    enclosures: [],
  })
  expect(await post('<content src="/v.mp4" type="video/mp4"/>')).toMatchObject({
    url: null,
    enclosures: [{ url: 'https://site.example/v.mp4', type: 'video/mp4', bytes: null }],
  })
})
