import { describe, expect, it } from 'vitest'
import { isExceeded, parseFailureBudget } from '../../../src/tenants/migrating/failure-budget.js'

describe('how many databases may fail', () => {
  it.each([
    ['0', { count: 0 }],
    ['12', { count: 12 }],
    ['5%', { percent: 5 }],
    ['2.5%', { percent: 2.5 }],
    ['100%', { percent: 100 }],
  ])('reads %s', (text, budget) => {
    expect(parseFailureBudget(text)).toEqual(budget)
  })

  it.each(['', '%', '-1', '2.5', '101%', '5 %', 'all', '1e3'])('refuses %j', text => {
    expect(() => parseFailureBudget(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it.each([
    ['0', 1, 10, true],
    ['3', 3, 3, false],
    ['3', 4, 4, true],
    ['5%', 2, 2, false],
    ['5%', 3, 3, true],
    ['5%', 10, 200, false],
    ['5%', 11, 200, true],
    ['0%', 1, 1_000, true],
    ['100%', 50, 50, false],
  ])('with %s, of %i failed of %i', (text, failed, tried, exceeded) => {
    expect(isExceeded(parseFailureBudget(text), failed, tried)).toBe(exceeded)
  })
})
