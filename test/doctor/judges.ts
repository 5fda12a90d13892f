import { expect, it } from 'vitest'
import type { Verdict } from '../../src/doctor/check.js'

/** Each row: what judges, how grave it is, and what is said. */
export function judges(rows: readonly (readonly [verdict: () => Verdict, severity: Verdict['severity'], words: string])[]): void {
  const named = rows.map(([verdict, severity, words]) => [words, severity, verdict] as const)
  it.each(named)('says "%s", which is %s', (words, severity, verdict) => expectVerdict(verdict(), severity, words))
}

export function expectVerdict(verdict: Verdict, severity: Verdict['severity'], words: string): void {
  expect(verdict).toMatchObject({ severity, evidence: expect.stringContaining(words) })
  expect(verdict.fix === null).toBe(severity === 'ok')
}
