import { Failure } from '../../kernel/errors.js'

/** How many databases may fail before a run stops: a number of them, or a share of those that were tried. */
export type FailureBudget = { readonly count: number } | { readonly percent: number }

/** A share of few is no share: one of the first three would be a third. */
const LEAST = 2

/** `5`, `2.5%`. @throws {Failure} USAGE */
export function parseFailureBudget(text: string): FailureBudget {
  const [, number = '', percent] = /^(\d{1,6}(?:\.\d+)?)(%)?$/.exec(text) ?? []
  const value = Number(number)
  if (number !== '' && (percent === undefined ? Number.isInteger(value) : value <= 100))
    return percent === undefined ? { count: value } : { percent: value }
  throw new Failure('USAGE', `--max-failures ${JSON.stringify(text)} is not a number or a percentage`, {
    hint: '--max-failures 10, or --max-failures 5%',
  })
}

/** Whether so many failures of so many that were tried are too many. A percentage, but for 0%, lets two fail whatever they are a share of. */
export function isExceeded(budget: FailureBudget, failed: number, tried: number): boolean {
  if ('count' in budget) return failed > budget.count
  const share = (tried * budget.percent) / 100
  return failed > (budget.percent === 0 ? 0 : Math.max(LEAST, share))
}
