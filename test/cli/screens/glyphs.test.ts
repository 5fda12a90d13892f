import { describe, expect, test } from 'vitest'
import { progressBar, sparkline, toAscii } from '../../../src/cli/screens/glyphs.js'
import { createStyle } from '../../../src/cli/style.js'
import { widthOf } from '../../../src/cli/width.js'

describe('a sparkline', () => {
  test.each([
    ['rises from nothing to the greatest', [0, 1, 2, 3, 4, 5, 6, 7], 8, '▁▂▃▄▅▆▇█'],
    ['does not show little as nothing', [0, 0.001, 1000], 3, '▁▂█'],
    ['is flat where nothing happens', [0, 0, 0], 3, '▁▁▁'],
    ['is high where much happens all the time', [5, 5], 2, '██'],
    ['leaves the left empty before there are enough values', [1, 2], 4, '  ▅█'],
    ['shows the newest values', [9, 9, 0, 1], 2, '▁█'],
    ['takes what is no rate for none', [Number.NaN, -3, 1], 3, '▁▁█'],
    ['is empty without values', [], 3, '   '],
    ['is nothing in no cells', [1, 2], 0, ''],
  ])('%s', (_what, values, cells, expected) => {
    expect(sparkline(values, cells)).toBe(expected)
  })
})

describe('a progress bar', () => {
  test.each([
    ['is empty at the beginning', 0, 100, '░░░░░░░░'],
    ['shows that something is done', 1, 1000, '█░░░░░░░'],
    ['is not full before all is done', 999, 1000, '███████░'],
    ['is full when all is done', 1000, 1000, '████████'],
    ['is no longer than full', 12, 10, '████████'],
    ['is empty where there is nothing to do', 0, 0, '░░░░░░░░'],
  ])('%s', (_what, done, total, expected) => {
    expect(progressBar(done, total, 8)).toBe(expected)
  })
})

describe('in ASCII', () => {
  test.each([
    ['a sparkline keeps its levels apart', '▁▂▃▄▅▆▇█', '_.:-=+*#'],
    ['a bar stays a bar', '██░░', '##..'],
    ['marks stay marks', '↑↓ 2 → 3 · cut…', '^v 2 > 3 - cut~'],
    ['what has no likeness keeps its width', 'né 日本', 'n? ????'],
    ['a letter and its accent are one cell', 'e\u0301x', '?x'],
    ['plain text is left alone', 'plain ~text', 'plain ~text'],
  ])('%s', (_what, text, expected) => {
    expect(toAscii(text)).toBe(expected)
    expect(widthOf(expected)).toBe(widthOf(text))
  })

  test('paint stays', () => {
    expect(toAscii(createStyle({ colors: true, columns: 80 }).red('▁…'))).toBe('\u001b[31m_~\u001b[39m')
  })
})
