import { describe, expect, it } from 'vitest'
import { plainText, sanitise } from '../../../src/feeds/parse/sanitise.js'
import { faultsOf } from './xss/allowed.js'

const BASE = 'https://site.example/dir/post'

/** What is read of a post. */
const MAX_CONTENT_CHARS = 512 * 1024

/** What hurts a reader that looks back, recurses, or looks ahead again and again. */
const SHAPES: readonly (readonly [string, string])[] = [
  ['<div>', '<div>'],
  ['</div>', '</div>'],
  ['<', '<'],
  ['</', '</'],
  ['&', '&'],
  ['&#', '&#'],
  ['&am', '&am'],
  ['&amp;', '&amp;'],
  ['&notanentity', '&notanentity'],
  ['<!--', '<!--'],
  ['<!-- -', '<!-- -'],
  ['<!', '<!'],
  ['<?', '<?'],
  ['"', '"'],
  ["<a href='", "<a href='"],
  ['<a b="', '<a b="'],
  ['<a ', '<a '],
  ['<p a>', '<p a>'],
  ['<svg>', '<svg>'],
  ['<svg></svg>', '<svg></svg>'],
  ['<script>', '<script>'],
  ['<script/>', '<script/>'],
  ['<script></script>', '<script></script>'],
  ['<noscript/><template>', '<noscript/><template>'],
  ['<iframe src=x></iframe>', '<iframe src=x></iframe>'],
  ['<video>', '<video>'],
  ['<video src=x>', '<video src=x>'],
  ['<video></video>', '<video></video>'],
  ['<a href=x>', '<a href=x>'],
  ['<b></i>', '<b></i>'],
  ['<table><td>', '<table><td>'],
  ['<li>', '<li>'],
  ['<p><b>', '<p><b>'],
  ['<img src=x>', '<img src=x>'],
  ['<img srcset="x 1w,', '<img srcset="x 1w,'],
  ['<video><source src=x>', '<video><source src=x>'],
  ['<video><source ', '<video><source '],
  ['</br>', '</br>'],
  ['<select><option>', '<select><option>'],
  ['<template></template', '<template></template'],
  ['<p>&eacute;', '<p>&eacute;'],
  ['mailboxes', `<a href="mailto:${'<!---->'.repeat(1_100)}">`],
  ['spaces', '<p                    '],
  ['slashes', '<p////////////////////'],
  ['zero bytes', '\0<\0'],
]

describe.each(SHAPES)('as much %s as a post may hold', (_name, shape) => {
  it('is read in one pass, and gives safe HTML of a like size', () => {
    const html = shape.repeat(Math.floor(MAX_CONTENT_CHARS / shape.length))
    const safe = sanitise(html, BASE)
    expect(safe.length).toBeLessThan(6 * MAX_CONTENT_CHARS)
    expect(faultsOf(safe)).toEqual([])
    expect(plainText(html).length).toBeLessThanOrEqual(html.length)
  })
})

describe('attributes', () => {
  it('of which one tag has a hundred thousand are passed over', () => {
    const names = Array.from({ length: 100_000 }, (_, index) => ` a${index}=x`).join('')
    expect(sanitise(`<p${names} dir=rtl${names}>x</p>`, BASE)).toBe('<p dir="rtl">x</p>')
  })

  it('count once, the first', () => {
    expect(sanitise(`<p${' dir=rtl'.repeat(60_000)} dir=ltr>x</p>`, BASE)).toBe('<p dir="rtl">x</p>')
  })

  it('of styles and candidates as long as a post are looked at in one pass', () => {
    const long = MAX_CONTENT_CHARS - 100
    for (const value of [' ', '/*', '/**/', 'width:', ';', '0', ',', 'x ', 'x,', '&Tab;', '/* ']) {
      for (const name of ['style', 'srcset', 'src', 'width', 'height', 'data-src']) {
        const html = `<img src="https://a.example/x" ${name === 'src' ? '' : `${name}="${value.repeat(long / value.length)}"`}>`
        expect(faultsOf(sanitise(html, BASE))).toEqual([])
      }
    }
    expect(faultsOf(sanitise(`<img src="https://a.example/x" width="5${' '.repeat(long)}x">`, BASE))).toEqual([])
  })
})

describe('a mailbox', () => {
  it('as long as a post leads nowhere', () => {
    expect(sanitise(`<a href="mailto:${'<!---->'.repeat(MAX_CONTENT_CHARS / 7)}">x</a>`, BASE)).toBe('<a>x</a>')
  })
})

describe('short relative URLs', () => {
  it.each([
    '<img src=x>',
    '<a href=x>',
    '<iframe src=x></iframe>',
    '<video src=x>',
  ])('do not multiply a post: %s, with a long base', shape => {
    const base = `https://site.example/${'d/'.repeat(950)}`
    const safe = sanitise(shape.repeat(MAX_CONTENT_CHARS / shape.length), base)
    expect(safe.length).toBeLessThan(2.1 * MAX_CONTENT_CHARS)
    expect(faultsOf(safe)).toEqual([])
    expect(sanitise(safe, base) === safe).toBe(true)
  })
})

describe('nesting', () => {
  it('stops at two hundred, and keeps the words', () => {
    const safe = sanitise(`${'<div>'.repeat(20_000)}deep${'</div>'.repeat(20_000)}`, BASE)
    expect(safe).toBe(`${'<div>'.repeat(200)}deep${'</div>'.repeat(200)}`)
  })
})
