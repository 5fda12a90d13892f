import { existsSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type ChildPlace, FeedctlChild, failureOf } from '../../src/bench/sync/child.js'
import { cpuBetween, cpuSecondsIn, greatest, peakRssIn, usageOf } from '../../src/bench/sync/usage.js'
import { Workers } from '../../src/bench/sync/workers.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'

const ignoreLine = () => {}
const hasProc = existsSync('/proc/self/stat')

function place(env: Record<string, string> = {}): ChildPlace {
  return { folder: temporaryFolder(), env }
}

describe('what a process has used', () => {
  test('is read from /proc, whatever the program is called', () => {
    const stat = (name: string) => `42 (${name}) S 1 42 42 0 -1 4194560 900 0 0 0 123 77 0 0 20 0 11 0 5 6 7`
    for (const name of ['node', 'a) R 1 2 3', '(x) y']) expect(cpuSecondsIn(stat(name))).toBe(2)
    expect(cpuSecondsIn('')).toBeNull()
    expect(peakRssIn('Name:\tnode\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n')).toBe(2_097_152)
    expect(peakRssIn('Name:\tnode\nState:\tZ (zombie)\n')).toBeNull()
  })

  test.runIf(hasProc)('is known of a running process and not of one that is not there', () => {
    expect(usageOf(process.pid).cpuS).toBeGreaterThan(0)
    expect(usageOf(process.pid).peakRssBytes).toBeGreaterThan(10_000_000)
    expect(usageOf(2 ** 30)).toEqual({ cpuS: null, peakRssBytes: null })
  })

  test('between two looks is a difference, and nothing when a look failed', () => {
    const at = (cpuS: number | null) => ({ cpuS, peakRssBytes: null })
    expect(cpuBetween([at(1), at(2)], [at(1.5), at(4)])).toBe(2.5)
    expect(cpuBetween([at(1), at(2)], [at(1.5), at(null)])).toBeNull()
    expect(greatest([null, 3, 5, null])).toBe(5)
    expect(greatest([null])).toBeNull()
  })
})

describe('a feedctl that is measured', () => {
  test('runs as it is and says at its end what it used', async () => {
    const { exit, out, complaint, wallMs, usage } = await FeedctlChild.start(
      ['config', '--json'],
      place({ DB_PORT: '3307' }),
      ignoreLine,
    ).ended
    expect({ exit, complaint }).toEqual({ exit: 0, complaint: [] })
    const { settings } = JSON.parse(out) as { settings: { name: string; value: string; source: string }[] }
    expect(settings.filter(setting => setting.source !== 'default')).toMatchObject([{ name: 'DB_PORT', value: '3307' }])
    expect(wallMs).toBeGreaterThan(0)
    expect(usage.cpuS).toBeGreaterThan(0)
    expect(usage.peakRssBytes).toBeGreaterThan(10_000_000)
  })

  test('is refused in its own words and under its own code', async () => {
    const end = await FeedctlChild.start(['sync', '--json'], place(), ignoreLine).ended
    expect(failureOf('the sync', end)).toMatchObject({
      code: 'USAGE',
      message: 'the sync ended with 2: name tenants, or pass --all',
      hint: 'feedctl sync --all',
    })
  })

  test('that consumes nothing is a failure of the workers, and leaves none of them', async () => {
    await expect(Workers.start(2, place({ QUEUE_CONNECTION: 'sync' }), new AbortController().signal)).rejects.toThrow(
      'a worker ended with 3: error: there is no queue',
    )
  })

  test('ends when it is told to, and says what it used even so', async () => {
    const redis = sharedRedisEnv()
    onTestFinished(() => deleteRedisKeys(redis))
    const working = place({ ...redis, CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' })
    expect(await FeedctlChild.start(['init'], working, ignoreLine).ended).toMatchObject({ exit: 0 })
    await using workers = await Workers.start(2, working, new AbortController().signal)
    expect(workers.lost).toBe(0)
    expect(workers.usages()).toHaveLength(2)
    await workers[Symbol.asyncDispose]()
    expect(workers.lost).toBe(2)
    expect(workers.usages()).toEqual(Array(2).fill({ cpuS: null, peakRssBytes: null }))
    const child = await new Promise<FeedctlChild>(resolve => {
      const started: FeedctlChild = FeedctlChild.start(['queue', 'work'], working, () => resolve(started))
    })
    expect(child.alive).toBe(true)
    await child.stop()
    await child.stop()
    expect(() => process.kill(child.pid, 0)).toThrow('ESRCH')
    const { exit, usage } = await child.ended
    expect(exit).toBe(143)
    expect(usage.cpuS).toBeGreaterThan(0)
  })
})
