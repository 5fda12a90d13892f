import { describe, expect, it } from 'vitest'
import { ADVERSARIES } from './adversarial.js'
import { runAdversaries } from './adversarial-run.js'

describe('10 MB made to be expensive', () => {
  it('are read or refused within 2 s of CPU time and the heap of a parser thread', { timeout: 600_000 }, async () => {
    const results = await runAdversaries()
    expect(results.filter(({ faults }) => faults.length > 0)).toEqual([])
    expect(results).toHaveLength(ADVERSARIES.length)
  })
})
