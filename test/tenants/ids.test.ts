import { describe, expect, it } from 'vitest'
import {
  dedicatedDatabase,
  parseDatabaseName,
  parseSlug,
  parseSourceId,
  parseTenantId,
  parseTenantName,
  sharedDatabase,
} from '../../src/tenants/ids.js'

describe('a slug', () => {
  it.each(['ab', 'a-', '00', 'acme', 'acme-2', 'a--b', '9lives', 'x'.repeat(41)])('may be %j', text => {
    expect(parseSlug(text)).toBe(text)
  })

  it.each([
    '',
    'a',
    '-a',
    'A',
    'Acme',
    'a_b',
    'a b',
    ' ab',
    'ab ',
    'ab\n',
    'a.b',
    '../x',
    'a/b',
    'ä1',
    'аcme',
    '😀😀',
    'x'.repeat(42),
    'a\0b',
    '%00',
    "a'b",
    '`ab`',
  ])('may not be %j', text => {
    expect(() => parseSlug(text)).toThrow(expect.objectContaining({ code: 'SLUG_INVALID', exit: 2 }))
  })

  it('has a database that no other slug and no shared one has', () => {
    const slugs = ['ab', 'a-b', 'a--b', 'ab-', 'shared-1', '1-', 'shared'].map(parseSlug)
    const names = [...slugs.map(slug => dedicatedDatabase('t_', slug)), sharedDatabase('t_', 1), sharedDatabase('t_', 11)]
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('t_a_b')
    expect(dedicatedDatabase('p'.repeat(16), parseSlug('x'.repeat(41))).length).toBeLessThanOrEqual(64)
  })
})

it('a database has no name that would have to be quoted', () => {
  for (const name of ['', 'a-b', 'a`b', 'a.b', 'a b', '../a', 'x'.repeat(65)])
    expect(() => parseDatabaseName(name)).toThrow(TypeError)
})

it('an id is a positive whole number', () => {
  for (const value of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
    expect(() => parseTenantId(value)).toThrow(TypeError)
    expect(() => parseSourceId(value)).toThrow(TypeError)
  }
  expect([parseTenantId(1), parseSourceId(7)]).toEqual([1, 7])
})

it('a name has 1 to 200 characters, whatever they are', () => {
  expect(parseTenantName(`  ${'😀'.repeat(200)} `)).toBe('😀'.repeat(200))
  for (const name of ['', '  ', 'x'.repeat(201)])
    expect(() => parseTenantName(name)).toThrow(expect.objectContaining({ code: 'USAGE' }))
})
