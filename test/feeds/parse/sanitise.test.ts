import { describe, expect, it } from 'vitest'
import { plainText, sanitise } from '../../../src/feeds/parse/sanitise.js'

const BASE = 'https://site.example/dir/post'
const REL = 'rel="noopener noreferrer nofollow"'

describe('ordinary HTML', () => {
  it.each([
    ['<p>one<br>two</p>', '<p>one<br />two</p>'],
    [
      '<a href="https://a.example/?x=1&amp;y=2" title="t">x</a>',
      `<a href="https://a.example/?x=1&amp;y=2" ${REL} title="t">x</a>`,
    ],
    ['<a href="mailto:x@a.example">x</a>', `<a href="mailto:x@a.example" ${REL}>x</a>`],
    ['<a href="../up">x</a>', `<a href="https://site.example/up" ${REL}>x</a>`],
    ['<a href="//cdn.example/x">x</a>', `<a href="https://cdn.example/x" ${REL}>x</a>`],
    ['<a name="top">x</a>', '<a>x</a>'],
    ['<img src="i.png" alt="a">', '<img src="https://site.example/dir/i.png" alt="a" loading="lazy" />'],
    ['<img src="https://t.example/p.gif" width="1" height="1">', ''],
    ['<img src="https://t.example/p.gif" height="0">', ''],
    ['<img alt="no source">', ''],
    ['<custom-tag>kept text</custom-tag>', 'kept text'],
    ['1 < 2 & 3 > 2', '1 &lt; 2 &amp; 3 &gt; 2'],
    ['caf\u00e9 &eacute; &amp;lt;', 'caf\u00e9 \u00e9 &amp;lt;'],
    ['<b>unclosed', '<b>unclosed</b>'],
    ['<p>one<p>two<ul><li>a<li>b</ul>', '<p>one</p><p>two</p><ul><li>a</li><li>b</li></ul>'],
    ['</p></div>x</b>', 'x'],
    ['<font color=red>a</font> <blink>b</blink> <center>c</center>', 'a b <div>c</div>'],
    ['a<object><param><embed src=x><p>fallback</p></object>', 'a<p>fallback</p>'],
    ['<article dir=RTL lang=he>x</article>', '<div dir="RTL">x</div>'],
    ['<td>loose</td><table><tr><td colspan="2">cell</td></table>', 'loose<table><tr><td colspan="2">cell</td></tr></table>'],
    ['<table><td colspan="9999" rowspan="x">c</table>', '<table><td>c</td></table>'],
    ['&copy 2024 &notin; &nope; &#8212;&#x1F600;&#150;', '\u00a9 2024 \u2209 &amp;nope; \u2014\u{1f600}\u2013'],
    ['a<script/>b<svg><title>t</title></svg>c<style>s</style>d', 'abcd'],
    ['a<textarea>t</textarea><select><option>o</select><title>x</title><iframe>f</iframe>b', 'ab'],
    ['a<script>never closed <p>b</p>', 'a'],
    ['<!-->a<!--->b<!-- x -->c<!-- > -- > -->d<!-- never closed', 'abcd'],
    ['&#xD800;&#0;&#x110000;&#1;', '\ufffd\ufffd\ufffd'],
    ['a<template>b<template>c</template>d<p>e</p>', 'ad<p>e</p>'],
    ['a<noscript>never closed <p>b</p>', 'a'],
    ['<div><table><tr><td>a</div>b</table>c</div>', '<div><table><tr><td>ab</td></tr></table>c</div>'],
    ['<p>a<custom-tag><p>b</custom-tag>', '<p>a</p><p>b</p>'],
    ['a</br>b', 'a<br />b'],
    ['a<svg>&eacute;</svg>b', 'ab'],
    ['<p>a<image src="/i.png"><p>b', '<p>a<img src="https://site.example/i.png" loading="lazy" /></p><p>b</p>'],
    ['&am&#7;p; &#x1;&#x85;&#128;', '&amp;amp; \u2026\u20ac'],
    ['<q title="a">b</q><p title="a" dir="up">c</p>', '<q>b</q><p>c</p>'],
    ['a<svg>never closed <p>b</p>', 'anever closed <p>b</p>'],
    [' plain text ', 'plain text'],
    ['', ''],
  ])('%j becomes %j', (html, safe) => {
    expect(sanitise(html, BASE)).toBe(safe)
  })

  it.each([
    ['#fn1', 'https://site.example/dir/post#fn1'],
    ['//cdn.example/x', 'https://cdn.example/x'],
    ['\\\\cdn.example\\x', 'https://cdn.example/x'],
    ['https://a.example/?a=1&b=2&copy=3', 'https://a.example/?a=1&amp;b=2&amp;copy=3'],
    ['https://b\u00fccher.example/\u00fc', 'https://xn--bcher-kva.example/%C3%BC'],
  ])('leads with %s to %s, and passes nothing on', (href, url) => {
    expect(sanitise(`<a href="${href}" target="_blank" rel="opener" ping="x" id="y">x</a>`, BASE)).toBe(
      `<a href="${url}" ${REL}>x</a>`,
    )
  })

  it.each([
    'tel:+100',
    'javascript:alert(1)',
    'ftp://a.example/',
    'https://[bad',
    `https://a.example/${'x'.repeat(8_192)}`,
  ])('has a link to %s lead nowhere', href => {
    expect(sanitise(`<a href="${href}">x</a>`, BASE)).toBe('<a>x</a>')
  })

  it('has no link inside a link', () => {
    expect(sanitise('<a href="/1">a<a href="/2">b</a>', BASE)).toBe(
      `<a href="https://site.example/1" ${REL}>a</a><a href="https://site.example/2" ${REL}>b</a>`,
    )
    expect(sanitise('<a href="/1"><b><a href="/2">b</a></b></a>', BASE)).toBe(
      `<a href="https://site.example/1" ${REL}><b>b</b></a>`,
    )
  })

  it('is the same when it is sanitised again', () => {
    const once = sanitise(
      '<p>a <a href="/x">b</a> &amp; <img src="/i.png"><table><tr><td colspan=2>c</td></tr></table></p>',
      BASE,
    )
    expect(sanitise(once, BASE)).toBe(once)
  })

  it('that is nested without end is read in time', () => {
    expect(sanitise('<div>'.repeat(20_000), BASE).length).toBeLessThan(400_000)
  })
})

describe('plain text', () => {
  it.each([
    ['a <b>bold</b>\n title', 'a bold title'],
    ['AT&amp;T', 'AT&T'],
    ['AT&T', 'AT&T'],
    ['R & D', 'R & D'],
    ['1 < 2', '1 < 2'],
    ['&lt;b&gt; is a tag', '<b> is a tag'],
    ['&amp;lt;', '&lt;'],
    ['&#8217;caf&eacute;&nbsp;', '\u2019caf\u00e9'],
    ['x<script>alert(1)</script>y', 'xy'],
    ['"quoted" &quot;too&quot;', '"quoted" "too"'],
    ['AT&amp;amp;T', 'AT&amp;T'],
    ['if a <b then c', 'if a <b then c'],
    ['i <3 you </3', 'i <3 you </3'],
    ['why <!-- this', 'why <!-- this'],
    ['the <script> tag', 'the tag'],
    ['a\u0007b\u0085', 'ab'],
    ['one<br>two<p>three</p>four', 'one two three four'],
    ['\u{1f468}\u200d\u{1f469}\u200d\u{1f467} &#x1F600;', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{1f600}'],
    ['\u202egpj.exe\u202c \u2066x\u2069 a\u200bb\ufeffc', 'gpj.exe x abc'],
    ['a\0b&#0;c&#x202E;d\u0007&#7;', 'ab\ufffdcd'],
    [
      '\u05e9\u200f \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645',
      '\u05e9\u200f \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645',
    ],
  ])('of %j is %j', (html, text) => {
    expect(plainText(html)).toBe(text)
  })
})
