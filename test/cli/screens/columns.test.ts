import { describe, expect, test } from 'vitest'
import { type Field, layOut } from '../../../src/cli/screens/columns.js'
import { createStyle, PLAIN } from '../../../src/cli/style.js'
import { widthOf } from '../../../src/cli/width.js'

interface Person {
  readonly name: string
  readonly age: number
  readonly town: string
}

const PEOPLE: readonly Person[] = [
  { name: 'a-name-that-is-long', age: 7, town: 'Rome' },
  { name: 'bo', age: 12_000, town: 'Oslo' },
]
const FIELDS: readonly Field<Person>[] = [
  { title: 'NAME', cell: ({ name }) => name, rank: 0, least: 6 },
  { title: 'AGE', cell: ({ age }) => String(age), rank: 1, right: true },
  { title: 'TOWN', cell: ({ town }) => town, rank: 2 },
]

describe('columns', () => {
  test.each([
    [
      'stand side by side where there is room',
      40,
      ['NAME                   AGE  TOWN', 'a-name-that-is-long      7  Rome', 'bo                   12000  Oslo'],
    ],
    ['cut the text that may be cut', 24, ['NAME           AGE  TOWN', 'a-name-tha…      7  Rome', 'bo           12000  Oslo']],
    [
      'leave out the least important one when the texts can give no more',
      18,
      ['NAME           AGE', 'a-name-tha…      7', 'bo           12000'],
    ],
    ['keep the most important one to the end', 8, ['NAME    ', 'a-name-…', 'bo      ']],
  ])('%s', (_what, width, expected) => {
    const { head, lines, cells } = layOut(PEOPLE, FIELDS, width, PLAIN)
    expect([head, ...lines]).toEqual(expected)
    expect([head, ...lines].map(widthOf)).toEqual([cells, cells, cells])
    expect(cells).toBeLessThanOrEqual(width)
  })

  test('never cut a figure', () => {
    for (let width = 1; width < 60; width++) {
      const { head, lines } = layOut(PEOPLE, FIELDS, width, PLAIN)
      if (head.includes('AGE')) expect(lines[1]).toContain('12000')
    }
  })

  test('paint the text and not the space, and the titles are dim', () => {
    const style = createStyle({ colors: true, columns: 80 })
    const { head, lines } = layOut(
      [{ name: 'bo' }],
      [{ title: 'NAME', cell: ({ name }) => name, rank: 0, paint: style.red }],
      20,
      style,
    )
    expect([head, ...lines]).toEqual(['\u001b[2mNAME\u001b[22m', '\u001b[31mbo\u001b[39m  '])
  })

  test('keep a width of their own while figures change, and show what would move the cursor', () => {
    const fields: Field<string>[] = [{ title: 'N', cell: text => text, rank: 0, cells: 6, right: true }]
    expect(layOut(['a\u001b[2J'], fields, 20, PLAIN).lines).toEqual(['a\\u001b[2J'])
    expect(layOut(['1'], fields, 20, PLAIN).lines).toEqual(['     1'])
  })

  test('without rows are their titles', () => {
    expect(layOut<Person>([], FIELDS, 40, PLAIN)).toMatchObject({ head: 'NAME  AGE  TOWN', lines: [] })
  })
})
