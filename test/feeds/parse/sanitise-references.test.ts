import { describe, expect, it } from 'vitest'
import { decodeReferences } from '../../../src/feeds/parse/sanitise-references.js'

describe('a character reference', () => {
  it.each([
    ['&amp;lt;', '&lt;', '&lt;'],
    ['&copy2024', '\u00a92024', '&copy2024'],
    ['?a=1&copy=2', '?a=1\u00a9=2', '?a=1&copy=2'],
    ['&notin; &notit;', '\u2209 \u00acit;', '\u2209 &notit;'],
    ['&nope; & &; &#; &#x;', '&nope; & &; &#; &#x;', '&nope; & &; &#; &#x;'],
    ['&#8212;&#x1F600;&#151;', '\u2014\u{1f600}\u2014', '\u2014\u{1f600}\u2014'],
    ['&#0;&#xD800;&#x110000;', '\ufffd\ufffd\ufffd', '\ufffd\ufffd\ufffd'],
    ['a&#1;b&#127;c&#129;d&Tab;e\u0007f', 'abcd\tef', 'abcd\tef'],
  ])('%j is %j in text, and %j in an attribute', (written, text, attribute) => {
    expect(decodeReferences(written, 'text')).toBe(text)
    expect(decodeReferences(written, 'attribute')).toBe(attribute)
  })
})
