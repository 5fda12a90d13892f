import { describe, expect, test } from 'vitest'
import { parseRange } from '../../../src/media/serving/ranges.js'

describe('a Range header', () => {
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, 99],
    ['bytes=10-19', 10, 19],
    ['bytes=99-', 99, 99],
    ['bytes=90-500', 90, 99],
    ['bytes=-1', 99, 99],
    ['bytes=-100', 0, 99],
    ['bytes=-5000', 0, 99],
    ['BYTES= 1-2 ', 1, 2],
  ])('%j asks for %i to %i of 100 bytes', (header, first, last) => {
    expect(parseRange(header, 100)).toEqual({ first, last })
  })

  test.each([
    'bytes=100-',
    'bytes=100-200',
    'bytes=-0',
    'bytes=99999999999999999999999-',
  ])('%j is not within 100 bytes', header => {
    expect(parseRange(header, 100)).toBe('unsatisfiable')
  })

  test.each([
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=5-4',
    'bytes=0-1,5-6',
    'bytes=a-b',
    'bytes=+1-2',
    'lines=1-2',
    'bytes=1 - 2',
  ])('%j asks for all', header => {
    expect(parseRange(header, 100)).toBeNull()
  })

  test.each(['bytes=0-', 'bytes=-5', 'bytes=5-9'])('%j asks for all of an empty file', header => {
    expect(parseRange(header, 0)).toBeNull()
  })
})
