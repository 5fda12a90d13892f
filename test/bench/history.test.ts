import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keepResult, keptResults, pruneResults } from '../../src/bench/results/history.js'
import { toJson } from '../../src/cli/json.js'
import { temporaryFolder } from '../support/folders.js'
import { resultWith } from './report-result.js'

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute, 0, 7))
const printed = toJson(resultWith())

describe('the history', () => {
  it('keeps results as they were printed, and gives them back, the newest first', async () => {
    const data = temporaryFolder()
    const older = await keepResult(data, 'api', at(1), printed)
    await keepResult(data, 'sync', at(2), printed)
    const newer = await keepResult(data, 'api', at(3), printed)
    expect(readFileSync(older, 'utf8')).toBe(`${printed}\n`)
    expect(statSync(older).mode & 0o777).toBe(0o600)
    const kept = await keptResults(data, 'api', 9)
    expect(kept.map(({ path }) => path)).toEqual([newer, older])
    expect(kept[0]).toMatchObject({
      at: at(3).getTime(),
      result: { scenario: 'api', version: '0.1.0', at: '2026-11-30T12:00:00.000Z' },
    })
    expect(kept[0]?.result.rows[0]).toMatchObject({ metric: 'requests_per_s', at_least: true, samples: 3 })
    expect(await keptResults(data, null, 2)).toHaveLength(2)
  })

  it('drops the oldest of a scenario beyond 200, and nothing else', async () => {
    const data = temporaryFolder()
    const folder = join(data, 'bench')
    mkdirSync(folder)
    const nameOf = (minute: number, scenario: string) => `${at(minute).toISOString().replaceAll(':', '-')}-${scenario}.json`
    const names = Array.from({ length: 201 }, (_, minute) => nameOf(minute, 'api'))
    for (const name of [...names, nameOf(0, 'sync'), 'notes.txt']) writeFileSync(join(folder, name), '')
    await keepResult(data, 'api', at(300), printed)
    await pruneResults(data, 'api')
    const left = readdirSync(folder)
    expect(left.filter(name => name.endsWith('-api.json')).sort()).toEqual([...names.slice(2), nameOf(300, 'api')])
    expect(left).toEqual(expect.arrayContaining([nameOf(0, 'sync'), 'notes.txt']))
  })

  it('leaves out what no benchmark printed, and is empty where nothing was kept', async () => {
    const data = temporaryFolder()
    expect(await keptResults(data, null, 9)).toEqual([])
    writeFileSync(await keepResult(data, 'api', at(9), printed), '{"half":')
    const whole = await keepResult(data, 'api', at(1), printed)
    expect((await keptResults(data, 'api', 1)).map(({ path }) => path)).toEqual([whole])
  })
})
