import { describe, expect, it, test } from 'vitest'
import { type Judging, judge, least, looksAt, most, verdictOf } from '../../src/bench/judging.js'

describe('a figure', () => {
  it('is the median of the looks that came to a value, and counts them', () => {
    const looks = looksAt([3, null, 1, Number.NaN, 20])
    expect(judge('mvp', 'x_ms', looks)).toMatchObject({ measured: 3, min: 1, max: 20, samples: 3, pass: null, valid: true })
    expect(judge('mvp', 'x_bytes', looks, most(19), { by: 'greatest' })).toMatchObject({ measured: 20, samples: 3, pass: false })
  })

  it.each<[readonly (number | null)[], Judging, string | null]>([
    [[3, null, 1], {}, '1 of 3 looks came to nothing'],
    [[null, Number.NaN, 1], { by: 'greatest', unmeasured: 'untold' }, '2 of 3 looks came to nothing'],
    [[3, 2, 1], {}, null],
  ])('with a promise is of all its looks, or not valid: %j %j', (values, judging, why) => {
    expect(judge(null, 'x_ms', looksAt(values), most(9), judging)).toMatchObject({ valid: why === null, pass: why === null, why })
    expect(judge(null, 'x_ms', looksAt(values), null, judging)).toMatchObject({ valid: true, why: null })
  })

  it('is judged as it was measured, not as it is printed', () => {
    expect(judge(null, 'x_ratio', looksAt([1.05049]), most(1.05))).toMatchObject({ measured: 1.05, pass: false })
    expect(judge(null, 'x_ratio', looksAt([0.74996]), least(0.75))).toMatchObject({ measured: 0.75, pass: false })
    expect(judge(null, 'x_ratio', looksAt([1, 1.05049]), most(1.05), { by: 'greatest' })).toMatchObject({ pass: false })
  })

  it('says that its target is the least, and nothing where it is the most', () => {
    expect(judge(null, 'x', looksAt([3]), least(3))).toMatchObject({ target: 3, atLeast: true, pass: true })
    expect(judge(null, 'x', looksAt([3]), most(3))).not.toHaveProperty('atLeast')
  })

  test.each<[NonNullable<Judging['unmeasured']>, boolean, object]>([
    ['fails', true, { pass: false, valid: false, why: 'x_ms could not be measured' }],
    ['fails', false, { pass: null, valid: true, why: null }],
    ['invalid', true, { pass: null, valid: false, why: 'nothing was measured' }],
    ['invalid', false, { pass: null, valid: false, why: 'nothing was measured' }],
    ['untold', true, { pass: null, valid: true, why: null }],
    ['untold', false, { pass: null, valid: true, why: null }],
  ])('of which there is no value %s, promised %j', (unmeasured, isPromised, judged) => {
    const row = judge(null, 'x_ms', looksAt([null]), isPromised ? most(1) : null, { unmeasured })
    expect(row).toMatchObject({ measured: null, min: null, max: null, samples: 0, ...judged })
  })
})

test.each([
  [true, true, 'pass'],
  [true, false, 'fail'],
  [true, null, null],
  [false, false, 'invalid'],
  [false, null, 'invalid'],
] as const)('a row that is valid: %j, and passes: %j, is: %j', (valid, pass, verdict) => {
  expect(verdictOf({ valid, pass })).toBe(verdict)
})
