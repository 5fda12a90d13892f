import { describe, expect, it } from 'vitest'
import { sanitise } from '../../../src/feeds/parse/sanitise.js'

const BASE = 'https://site.example/dir/post'
const REL = 'rel="noopener noreferrer nofollow"'
const REAL = 'https://cdn.example/real.jpg'
const SHOWN = `<img src="${REAL}" loading="lazy" />`

describe('an image', () => {
  it.each([
    `<img data-src="${REAL}">`,
    `<img src="" data-original="${REAL}">`,
    `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-lazy-src="${REAL}">`,
    `<img src="about:blank" data-src="${REAL}">`,
    `<img srcset="https://cdn.example/300.jpg 300w, ${REAL} 1200w, https://cdn.example/4000.jpg 4000w">`,
    `<img src="data:," data-srcset="${REAL}, https://cdn.example/2x.jpg 2x">`,
    `<picture><source srcset="https://cdn.example/x.webp"><img src="${REAL}"></picture>`,
    `<image src="${REAL}">`,
    `<img src="${REAL}" srcset="https://cdn.example/2x.jpg 2x" sizes="100vw" class="x" onload="x" style="max-width:100%">`,
    `<img src="${REAL}" width="100%" height="auto">`,
  ])('%s is shown, late, without the rest', html => {
    expect(sanitise(html, BASE)).toBe(SHOWN)
  })

  it('keeps its words and its size in pixels', () => {
    expect(sanitise(`<img src="${REAL}" height="20px" width="640.5" title='"t"' alt="a &amp; b">`, BASE)).toBe(
      `<img src="${REAL}" alt="a &amp; b" title="&quot;t&quot;" width="640" height="20" loading="lazy" />`,
    )
  })

  it('keeps a candidate whose address has commas', () => {
    expect(sanitise('<img srcset="https://cdn.example/w_100,h_200/x.jpg 1x, https://cdn.example/y.jpg 2x">', BASE)).toBe(
      '<img src="https://cdn.example/w_100,h_200/x.jpg" loading="lazy" />',
    )
  })

  it.each([
    'width="1" height="1"',
    'width="0"',
    'height=1px',
    'width="01"',
    'width="1.0"',
    'width="1foo" height="1foo"',
    'style="width:1px;height:1px"',
    'style="HEIGHT : 0 !important"',
    'style="color:red;display:/**/none"',
    'style="visibility:hidden"',
    'style="width&colon;1px"',
    'style="max-height:0.5px"',
    'hidden',
  ])('of %s is a tracking pixel and left out', size => {
    expect(sanitise(`a<img src="https://t.example/p.gif" ${size}>b`, BASE)).toBe('ab')
  })

  it.each([
    'width="10"',
    'width="100"',
    'width="1%"',
    'style="width:100px;height:10px"',
    'style="min-width:0"',
    'style="line-height:1"',
  ])('of %s is none', size => {
    expect(sanitise(`<img src="${REAL}" ${size}>`, BASE)).toContain(`<img src="${REAL}"`)
  })

  it.each([
    '',
    'alt="x"',
    'src=""',
    'src="data:image/png;base64,AA"',
    'src="javascript:x"',
    'src="mailto:x@a.example"',
  ])('with %j shows nothing and is left out', attributes => {
    expect(sanitise(`a<img ${attributes}>b`, BASE)).toBe('ab')
  })
})

describe('a player', () => {
  it.each([
    [
      '<audio src="a.mp3" autoplay loop>old</audio>',
      '<audio src="https://site.example/dir/a.mp3" controls="" preload="none">old</audio>',
    ],
    [
      '<video autoplay poster="/p.jpg" width=640 height=1 muted><source src="v.mp4" type=\'video/mp4; codecs="x"\' onerror=x><track src=x></video>',
      '<video poster="https://site.example/p.jpg" width="640" height="1" controls="" preload="none"><source src="https://site.example/dir/v.mp4" type="video/mp4" /></video>',
    ],
    ['<video><p>download it</p></video>', '<p>download it</p>'],
    ['<audio><source src="javascript:x"></audio>x', 'x'],
    ['<source src="https://a.example/x.mp4">', ''],
    ['<video><source data-src="x.mp4"><p>download it</p></video>', '<p>download it</p>'],
    [
      "<audio>\n<source type=audio/ogg src='/a.ogg'>old</audio>",
      '<audio controls="" preload="none">\n<source src="https://site.example/a.ogg" type="audio/ogg" />old</audio>',
    ],
    ['<p><video><p>x</p></video></p>y', '<p></p><p>x</p>y'],
  ])('%s waits to be started, or is left out', (html, safe) => {
    expect(sanitise(html, BASE)).toBe(safe)
  })

  it('in a frame becomes a link to it', () => {
    const link = `<a href="https://video.example/embed/1?a=1&amp;b=2" ${REL}>https://video.example/embed/1?a=1&amp;b=2</a>`
    expect(
      sanitise('<p><iframe src="//video.example/embed/1?a=1&amp;b=2" srcdoc="x" allow="autoplay">no frames</iframe></p>', BASE),
    ).toBe(`<p>${link}</p>`)
    expect(sanitise('<iframe data-src="https://video.example/embed/1?a=1&b=2"></iframe>', BASE)).toBe(link)
  })

  it('in a frame in a link leaves its address, and the words behind it', () => {
    expect(sanitise('<p><a href="/1"><iframe src="https://video.example/1">no frames</iframe> a</a> b</p>', BASE)).toBe(
      `<p><a href="https://site.example/1" ${REL}><span>https://video.example/1</span> a</a> b</p>`,
    )
  })

  it('has eight sources at most', () => {
    const safe = sanitise(`<video>${'<source src="/v.mp4">'.repeat(20)}</video>`, BASE)
    expect(safe.match(/<source /g)?.length).toBe(8)
    expect(sanitise(safe, BASE)).toBe(safe)
  })

  it('in a frame that nobody is to see becomes nothing', () => {
    expect(
      sanitise(
        'a<iframe src="https://t.example/" width=0 height=0></iframe><iframe src="https://t.example/" style="display:none"></iframe>b',
        BASE,
      ),
    ).toBe('ab')
  })
})
