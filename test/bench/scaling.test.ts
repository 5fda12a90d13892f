import { expect, test } from 'vitest'
import { LoadProcess } from '../../src/bench/api/load-process.js'
import { populate } from '../../src/bench/api/population.js'
import { answersFor } from '../../src/bench/api/rounds.js'
import { measureScaling, pointsThatCount, scalingOf, scalingRow } from '../../src/bench/api/scaling.js'
import { Service } from '../../src/bench/api/service.js'
import { searchRate } from '../../src/bench/rate/search.js'
import { Place } from '../../src/bench/sync/place.js'
import { loadConfig } from '../../src/kernel/config.js'
import { temporaryFolder } from '../support/folders.js'
import { faultsIn } from './bench-runs.js'

test('a real API has its highest rate searched, and is measured in one process and in two', async () => {
  const { signal } = new AbortController()
  const { config } = loadConfig({ env: { FEEDCTL_DATA: temporaryFolder() }, envFile: '/nonexistent/.env', envFileNamed: false })
  const env = { PATH: process.env.PATH ?? '' }
  const note = () => {}
  await using place = await Place.choose({ operator: { ...config, apiRate: 0 }, env, fetchPerHost: null, keep: false, note })
  await place.prepare()
  const callers = await populate(place, { tenants: 2, feedsPerTenant: 1, postsPerFeed: 30 }, signal)
  await using generator = LoadProcess.start(signal)
  const service = await Service.start(place, 1, signal)
  const asked = (await answersFor(service.target, callers)).map(one => one.asked)
  const times = { warmUpMs: 100, repeatMs: 200, repeats: 3, threads: null, goalMs: 20_000 }
  const rates = { startPerS: 50, mostPerS: 100, connections: 10 }
  const search = await searchRate({ generator, target: service.target, asked, ...times, ...rates, note, signal })
  await service[Symbol.asyncDispose]()
  expect(search).toMatchObject({ highestPerS: 100, limit: 'cap', faults: [] })

  const scaling = await measureScaling({ place, asked, generator, stepMs: 200, processes: [1, 2], turns: 1, note, signal })
  expect(scaling.points.map(({ processes, perS }) => [processes, perS.map(one => one > 0)])).toEqual([
    [1, [true]],
    [2, [true]],
  ])
  expect(scaling.model).toBeNull()
  const row = scalingRow('mvp', scaling)
  expect(row).toMatchObject({ metric: 'scaling_knee_processes', measured: null, valid: false, pass: null })
  expect(faultsIn([row])).toEqual(['no model of fewer than 6 numbers of processes that answered'])
})

test('points that have a knee have it told, and what was wrong with one spoils it', () => {
  const points = [1, 2, 3, 4, 6, 8].map(n => ({ processes: n, perS: [(1_000 * n) / (1 + 0.1 * (n - 1) + 0.05 * n * (n - 1))] }))
  const scaling = scalingOf(points, [])
  expect(scalingRow('growth', scaling)).toMatchObject({
    measured: Number(Math.sqrt(0.9 / 0.05).toFixed(3)),
    valid: true,
    pass: null,
  })
  expect(scalingRow('growth', { ...scaling, faults: ['wrong answers'] })).toMatchObject({ valid: false, why: 'wrong answers' })
})

test('turns that do not count are left out, and numbers of processes of which not more than half count', () => {
  const good = { perS: 100, faults: [] }
  const busy = { perS: 7, faults: ['saturated'] }
  const looks = new Map([
    [1, [good, busy, good]],
    [2, [busy, good, busy]],
  ])
  const { points, left } = pointsThatCount(looks)
  expect({ points, left }).toEqual({ points: [{ processes: 1, perS: [100, 100] }], left: ['saturated, with 2 processes'] })
  const counts = [1, 2, 3, 4, 6, 8]
  const all = (bad: readonly number[]) => new Map(counts.map(n => [n, bad.includes(n) ? [busy] : [{ ...good, perS: 100 * n }]]))
  const [six, five] = [pointsThatCount(all([])), pointsThatCount(all([8]))]
  expect(scalingOf(six.points, six.left)).toMatchObject({ faults: [], model: { bottleneck: 'none' } })
  expect(scalingOf(five.points, five.left)).toMatchObject({
    model: null,
    faults: ['saturated, with 8 processes', expect.any(String)],
  })
})
