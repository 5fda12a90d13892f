import { describe, expect, it } from 'vitest'
import { bytes, count, duration } from '../../src/cli/figures.js'
import { createStyle, PLAIN } from '../../src/cli/style.js'
import { table } from '../../src/cli/tables.js'
import { cutToWidth, showControls, widthOf } from '../../src/cli/width.js'

const COLUMNS = [
  { title: 'SLUG', cell: (row: { slug: string; feeds: number | null }) => row.slug },
  { title: 'FEEDS', cell: (row: { slug: string; feeds: number | null }) => row.feeds },
]

describe('width', () => {
  it.each([
    ['feed', 4],
    ['日本語', 6],
    ['한국', 4],
    ['ｗｉｄｅ', 8],
    ['🎉', 2],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['e\u0301', 1],
    ['naïve…', 6],
  ])('of %s is %i cells', (text, cells) => {
    expect(widthOf(text)).toBe(cells)
  })

  it('cuts before half of a wide character', () => {
    expect(cutToWidth('日本語', 4)).toBe('日…')
    expect(cutToWidth('日本語', 6)).toBe('日本語')
  })

  it('shows control characters and turns of direction', () => {
    expect(showControls('a\u001b[31m\n\t\u0007\u009b\u202eb')).toBe('a\\u001b[31m\\n\\t\\u0007\\u009b\\u202eb')
  })
})

describe('a table', () => {
  it('aligns text left and numbers right', () => {
    const rows = [
      { slug: 'acme', feeds: 5 },
      { slug: '日本', feeds: 12345 },
      { slug: 'x', feeds: null },
    ]
    expect(table(rows, COLUMNS, PLAIN)).toBe('SLUG  FEEDS\nacme      5\n日本  12345\nx         -\n')
  })

  it('is cut to the terminal in its widest text column, numbers excepted', () => {
    const rows = [{ slug: 'a-very-long-slug-of-a-tenant', feeds: 123456789 }]
    const lines = table(rows, COLUMNS, createStyle({ colors: false, columns: 20 }))
      .trimEnd()
      .split('\n')
    expect(lines[1]).toBe('a-very-l…  123456789')
    expect(lines.map(widthOf)).toEqual([20, 20])
  })

  it('is not cut when it goes to a file', () => {
    expect(table([{ slug: 'x'.repeat(500), feeds: 1 }], COLUMNS, PLAIN)).toContain('x'.repeat(500))
  })

  it('pads what it paints as if it were plain', () => {
    const style = createStyle({ colors: true, columns: 80 })
    const columns = [
      { title: 'A', cell: (row: string) => row, paint: style.red },
      { title: 'B', cell: () => 'end' },
    ]
    expect(table(['1', '333'], columns, style).split('\n')[1]).toBe('\u001b[31m1\u001b[39m    end')
  })

  it('never sends a control character of the data', () => {
    expect(table([{ slug: 'a\u001b]0;x\u0007\nb', feeds: 1 }], COLUMNS, PLAIN).split('\n')).toHaveLength(3)
    expect(table([{ slug: 'a\u001b]0;x', feeds: 1 }], COLUMNS, PLAIN)).not.toContain('\u001b')
  })
})

describe('figures', () => {
  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [1234, '1.2 s'],
    [59_960, '1 min 00 s'],
    [125_000, '2 min 05 s'],
    [3_599_600, '1 h 00 min'],
    [11_400_000, '3 h 10 min'],
    [187_200_000, '2 d 4 h'],
  ])('says %i ms as %s', (ms, words) => {
    expect(duration(ms)).toBe(words)
  })

  it.each([
    [999, '999 B'],
    [1500, '1.5 kB'],
    [999_960, '1.0 MB'],
    [24_000_000, '24.0 MB'],
    [3e15, '3000.0 TB'],
  ])('says %i bytes as %s', (size, words) => {
    expect(bytes(size)).toBe(words)
  })

  it('groups digits', () => {
    expect(count(12345)).toBe('12,345')
    expect(count(0.25)).toBe('0.3')
  })
})
