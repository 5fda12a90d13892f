import { expect, it } from 'vitest'
import { randomToken } from '../../src/kernel/hash.js'

it('a token is no flag of a command line', () => {
  const tokens = Array.from({ length: 5_000 }, randomToken)
  expect(tokens.filter(token => !/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/.test(token))).toEqual([])
})
