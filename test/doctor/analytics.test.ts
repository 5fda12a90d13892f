import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { analyticsDamaged, judgeBacklog } from '../../src/doctor/checks/analytics.js'
import type { Parts } from '../../src/doctor/parts.js'

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

describe('files of the journal that cannot be read', () => {
  it('are told of by their names', async () => {
    const data = mkdtempSync(join(tmpdir(), 'feedctl-test-'))
    onTestFinished(() => rmSync(data, { recursive: true }))
    const look = () => analyticsDamaged.run({ config: { data } } as Partial<Parts> as Parts)
    expect(await look()).toMatchObject({ severity: 'ok' })
    const folder = join(data, 'analytics')
    mkdirSync(folder)
    writeFileSync(join(folder, 'sealed.1700000000000-a.3'), '')
    expect(await look()).toMatchObject({ severity: 'ok' })
    writeFileSync(join(folder, 'damaged.1700000000002-b'), '')
    writeFileSync(join(folder, 'damaged.1700000000001-c'), '')
    expect(await look()).toMatchObject({
      severity: 'warn',
      evidence: `2 files of the journal hold events that cannot be read, the oldest is ${join(folder, 'damaged.1700000000001-c')}; all others are counted`,
    })
  })
})
