import { describe, expect, test } from 'vitest'
import { isNotModified, isSameForRange } from '../../../src/media/serving/conditions.js'

const modifiedAt = Date.parse('2026-01-02T03:04:05Z') + 678
const VALIDATORS = { etag: '"abc"', modifiedAt }
const AT = 'Fri, 02 Jan 2026 03:04:05 GMT'
const BEFORE = 'Fri, 02 Jan 2026 03:04:04 GMT'
const LATER = modifiedAt + 60_000

describe('a request with conditions', () => {
  test.each(['"abc"', 'W/"abc"', '"x", "abc"', ' W/"x","abc"', '*'])('has the file when If-None-Match is %j', ifNoneMatch => {
    expect(isNotModified({ ifNoneMatch }, VALIDATORS)).toBe(true)
  })

  test.each(['"abcd"', 'abc', '', '"ABC"', '"a", "bc"'])('has another when If-None-Match is %j', ifNoneMatch => {
    expect(isNotModified({ ifNoneMatch }, VALIDATORS)).toBe(false)
  })

  test.each([
    [AT, true],
    [BEFORE, false],
    ['yesterday', false],
  ])('heeds If-Modified-Since: %s', (ifModifiedSince, held) => {
    expect(isNotModified({ ifModifiedSince }, VALIDATORS)).toBe(held)
  })

  test('is judged by its ETag, whatever its date', () => {
    expect(isNotModified({ ifNoneMatch: '"other"', ifModifiedSince: AT }, VALIDATORS)).toBe(false)
  })
})

describe('If-Range', () => {
  test.each([
    [undefined, true],
    ['"abc"', true],
    ['W/"abc"', false],
    ['"other"', false],
    [AT, true],
    [BEFORE, false],
    ['nonsense', false],
  ])('%j', (header, same) => {
    expect(isSameForRange(header, VALIDATORS, LATER)).toBe(same)
  })

  test('does not trust the date of a file that may still be changing', () => {
    expect(isSameForRange(AT, VALIDATORS, modifiedAt + 500)).toBe(false)
  })
})
