import { describe, expect, it } from 'vitest'
import { faultInCron } from '../../src/kernel/cron-pattern.js'
import { parsePattern } from '../../src/schedule/pattern.js'

/** Whether the scheduler can work with it. */
function isScheduled(pattern: string): boolean {
  try {
    parsePattern(pattern, 0).next()
    return true
  } catch {
    return false
  }
}

describe('a cron pattern', () => {
  it.each([
    '30 3 * * *',
    '*/15 */2 1,15 JAN-mar mon-FRI',
    '0 0 29 2 *',
    '0 0 30 2 *',
    '0 0 31 4,6 *',
    '0 0 31 4,5 *',
    '0 0 30 2 mon',
    '5/20 0 * * 7',
    '0 0 * * 8',
    '0 0 0 * *',
    '0 0 * 13 *',
    '60 0 * * *',
    '0 24 * * *',
    '99 99 * * *',
    '5-3 0 * * *',
    '*/0 0 * * *',
    '1,1 0 * * *',
    '*,1 0 * * *',
    '1,,2 0 * * *',
    '0 0 L * *',
    '0 0 ? * *',
    '0 0 * foo *',
    '1/2/3 0 * * *',
    '-1 0 * * *',
    ' 0  3 * *\t* ',
  ])('%s is one for the settings when it is one for the schedule', pattern => {
    expect(faultInCron(pattern) === null).toBe(isScheduled(pattern))
  })

  it.each([
    ['* * * *', 'is not a cron pattern of five fields'],
    ['0 30 3 * * *', 'is not a cron pattern of five fields'],
    ['30 3 * * moon', 'is not a cron pattern: moon is no weekday'],
    ['0 0 30 2 *', 'is not a cron pattern: no month has that day'],
  ])('that is none is told why: %s', (pattern, fault) => {
    expect(faultInCron(pattern)).toBe(fault)
  })
})
