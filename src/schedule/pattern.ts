import { type CronExpression, CronExpressionParser } from 'cron-parser'
import { Failure, wordsOf } from '../kernel/errors.js'

const NAMES = /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi

/** A cron pattern of five fields as every cron knows them, in UTC, read from `after` (epoch ms) on. @throws {Failure} CONFIG_INVALID */
export function parsePattern(pattern: string, after: number): CronExpression {
  try {
    if (/[^\d*,/\s-]/.test(pattern.replace(NAMES, '')))
      throw new Error('only numbers, names, * , - and / are understood everywhere')
    return CronExpressionParser.parse(pattern, { currentDate: new Date(after), tz: 'UTC' })
  } catch (error) {
    throw new Failure('CONFIG_INVALID', `${JSON.stringify(pattern)} is no cron pattern: ${wordsOf(error)}`, {
      cause: error,
      hint: 'FEEDCTL_PRUNE_AT="30 3 * * *" is half past three each night',
    })
  }
}
