import { describe, expect, it } from 'vitest'
import { toJson, toSnakeCase } from '../../src/cli/json.js'
import { Failure } from '../../src/kernel/errors.js'

const read = (value: unknown): unknown => JSON.parse(toJson(value))

describe('JSON for scripts', () => {
  it('writes keys in snake_case at every depth', () => {
    expect(read({ runId: 'r', tenants: [{ newVersion: 1, inner: { durationMs: 2 } }] })).toEqual({
      run_id: 'r',
      tenants: [{ new_version: 1, inner: { duration_ms: 2 } }],
    })
  })

  it.each([
    ['durationMs', 'duration_ms'],
    ['requestsPerS', 'requests_per_s'],
    ['p99Ms', 'p99_ms'],
    ['sourceURL', 'source_url'],
    ['XMLBase', 'XMLBase'],
    ['FEED_GONE', 'FEED_GONE'],
    ['acme-2', 'acme-2'],
    ['not_due', 'not_due'],
  ])('names %s %s', (key, name) => {
    expect(toSnakeCase(key)).toBe(name)
  })

  it('writes moments as ISO 8601 UTC and leaves other numbers alone', () => {
    expect(read({ publishedAt: 0, at: 1000, format: 5, date: new Date(2000) })).toEqual({
      published_at: '1970-01-01T00:00:00.000Z',
      at: '1970-01-01T00:00:01.000Z',
      format: 5,
      date: '1970-01-01T00:00:02.000Z',
    })
  })

  it('keeps every key that is null, and leaves out what is undefined', () => {
    expect(read({ updatedAt: null, next: null, gone: undefined })).toEqual({ updated_at: null, next: null })
  })

  it('keeps the keys of a Map as they are', () => {
    expect(read({ byHost: new Map([['myHost', { feedCount: 1 }]]) })).toEqual({ by_host: { myHost: { feed_count: 1 } } })
  })

  it('writes a number that is not finite as null', () => {
    expect(read({ rate: Number.NaN, checkedAt: Number.POSITIVE_INFINITY, list: [undefined, 1] })).toEqual({
      rate: null,
      checked_at: null,
      list: [null, 1],
    })
  })

  it('writes what says its own JSON', () => {
    expect(read({ failure: new Failure('LOCKED', 'busy') })).toEqual({ failure: { code: 'LOCKED', message: 'busy', hint: null } })
  })

  it.each([[1n], [() => 1], [Symbol('s')]])('refuses what has no place in JSON', value => {
    expect(() => toJson({ value })).toThrow(TypeError)
  })
})
