import { describe, expect, test } from 'vitest'
import { arrange, type Section } from '../../../src/cli/screens/arrange.js'

const section = (letter: string, count: number, change: Partial<Section> = {}): Section => ({
  head: letter.toUpperCase(),
  lines: Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  ...{ least: 2, rank: 0, selected: null },
  ...change,
})

describe('sections', () => {
  const two = [section('a', 2), section('b', 5, { rank: 1 })]
  test.each([
    ['are parted and whole where there is room', 20, ['A', 'a1', 'a2', '', 'B', 'b1', 'b2', 'b3', 'b4', 'b5']],
    ['are cut, and what is cut is counted', 8, ['A', 'a1', 'a2', '', 'B', 'b1', 'b2', '  … 3 more']],
    ['are parted before they grow', 5, ['A', 'a1', '', 'B', 'b1']],
    ['are not parted where that is one line too many', 4, ['A', 'a1', 'B', 'b1']],
    ['of little importance are left out', 3, ['A', 'a1', 'a2']],
    ['are nothing in no rows', 0, []],
  ])('%s', (_what, rows, expected) => {
    expect(arrange(two, rows)).toEqual(expected)
  })

  test('stay in their order, whatever their rank', () => {
    expect(arrange([section('a', 1, { rank: 5 }), section('b', 1)], 9)).toEqual(['A', 'a1', '', 'B', 'b1'])
    expect(arrange([section('a', 1, { rank: 5 }), section('b', 1)], 3)).toEqual(['B', 'b1'])
  })

  test('without lines and head take no room', () => {
    expect(arrange([section('a', 1), section('b', 0, { head: null }), section('c', 1)], 5)).toEqual(['A', 'a1', '', 'C', 'c1'])
  })

  test.each([0, 3, 5, 9])('show the selected line %i', selected => {
    for (let rows = 2; rows < 12; rows++) {
      const lines = arrange([section('a', 10, { selected })], rows)
      expect(lines).toContain(`a${selected + 1}`)
      expect(lines.length).toBeLessThanOrEqual(rows)
    }
  })

  test('never take more rows than there are, and never lose one that could be used', () => {
    for (let rows = 0; rows < 30; rows++) {
      const lines = arrange([section('a', 4), section('b', 7, { rank: 1 }), section('c', 3, { rank: 2 })], rows)
      expect(lines.length).toBeLessThanOrEqual(rows)
      if (rows >= 6) expect(lines.length).toBe(Math.min(rows, 19))
    }
  })
})
