import { describe, expect, it } from 'vitest'
import { judgeBacklog } from '../../src/doctor/checks/analytics.js'

const NOW = 1_700_000_000_000
const SETTINGS = { analyticsBacklogMb: 256, analyticsDelayS: 10 }
const MIB = 1024 * 1024
const judge = (batches: number, mebibytes: number, waitsS: number | null) =>
  judgeBacklog({ batches, bytes: mebibytes * MIB, oldestAt: waitsS === null ? null : NOW - waitsS * 1000 }, SETTINGS, NOW)

describe('events that wait to be counted', () => {
  it('are well while there are none, or they have not waited long', () => {
    expect(judge(0, 0, null)).toEqual({ severity: 'ok', evidence: 'no events wait to be counted', fix: null })
    expect(judge(3, 1, 20)).toMatchObject({
      severity: 'ok',
      evidence: expect.stringMatching(/^3 batches of events wait to be counted, the oldest for .* \(1 of 256 MiB\)$/),
    })
    expect(judge(1, 1, 309).severity).toBe('ok')
  })

  it('are told of when the oldest has waited for minutes', () => {
    expect(judge(1, 1, 311)).toMatchObject({ severity: 'warn', fix: expect.stringContaining('feedctl analytics flush') })
  })

  it('fail when intake will soon refuse more', () => {
    expect(judge(1_000, 204, 5).severity).toBe('ok')
    expect(judge(1_000, 206, 5)).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('intake refuses events') })
  })
})
