import { describe, expect, it, test } from 'vitest'
import { Random } from '../../../src/bench/feed-server/random.js'
import { fitScalability, throughputAt } from '../../../src/bench/model/fit.js'
import { throughputOf } from '../../../src/bench/model/law.js'
import type { ScalabilityModel, ScalabilityPoint } from '../../../src/bench/model/model.js'

const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16]

/** Points on a curve, each repeat off by at most a part of it. */
function pointsOn(lambda: number, sigma: number, kappa: number, noise = 0, counts = COUNTS): ScalabilityPoint[] {
  const random = new Random(7)
  const off = () => 1 + noise * (random.below(2_001) / 1_000 - 1)
  return counts.map(processes => {
    const perS = throughputOf({ lambda, sigma, kappa }, processes)
    return { processes, perS: [perS * off(), perS * off(), perS * off()] }
  })
}

function modelOf(points: readonly ScalabilityPoint[]): ScalabilityModel {
  const model = fitScalability(points)
  if (model === null) throw new Error('no model')
  return model
}

const flat = (perS: (n: number) => number) => COUNTS.map(processes => ({ processes, perS: [perS(processes)] }))

describe('the scalability law', () => {
  it.each([
    [1_000, 0.05, 0.005],
    [20_000, 0.3, 0],
    [3, 0, 0.02],
    [5_000, 0, 0],
    [40, 0.9, 0.0001],
  ])('is found again behind exact points: lambda %d, sigma %d, kappa %d', (lambda, sigma, kappa) => {
    const model = modelOf(pointsOn(lambda, sigma, kappa))
    expect(model.lambda / lambda).toBeCloseTo(1, 5)
    expect(model.sigma).toBeCloseTo(sigma, 5)
    expect(model.kappa).toBeCloseTo(kappa, 5)
    expect(model.rSquared).toBeCloseTo(1, 6)
  })

  it.each([
    [1_000, 0.05, 0.005, 'coherency'],
    [2_000, 0.02, 0.02, 'coherency'],
    [800, 0.2, 0.001, 'contention'],
  ] as const)('is found again behind points that are off by 4 %%: %d, %d, %d is bound by %s', (lambda, sigma, kappa, bottleneck) => {
    const model = modelOf(pointsOn(lambda, sigma, kappa, 0.04))
    expect(Math.abs(model.lambda / lambda - 1)).toBeLessThan(0.08)
    expect(Math.abs(model.sigma - sigma)).toBeLessThan(0.05)
    expect(Math.abs(model.kappa - kappa)).toBeLessThan(0.005)
    for (const [name, real] of [
      ['lambda', lambda],
      ['sigma', sigma],
      ['kappa', kappa],
    ] as const) {
      const [low, high] = model.intervals[name]
      expect(low, name).toBeLessThanOrEqual(real)
      expect(high, name).toBeGreaterThanOrEqual(real)
    }
    expect(model).toMatchObject({ bottleneck, mostProcesses: 48 })
    expect(model.rSquared).toBeGreaterThan(0.97)
  })

  it('has its knee where more processes begin to do less', () => {
    const model = modelOf(pointsOn(1_000, 0.04, 0.015))
    expect(model.knee).toBeCloseTo(Math.sqrt(0.96 / 0.015), 3)
    const knee = model.knee as number
    const [before, at, after] = [knee - 1, knee, knee + 1].map(n => throughputAt(model, n) as number) as [number, number, number]
    expect(at).toBeGreaterThan(before)
    expect(at).toBeGreaterThan(after)
  })

  it('has bounds of its knee, and none where it may be that there is none', () => {
    const { knee, kneeInterval } = modelOf(pointsOn(1_000, 0.04, 0.015, 0.04))
    const [low, high] = kneeInterval as [number, number]
    expect(low).toBeLessThan(knee as number)
    expect(high).toBeGreaterThan(knee as number)
    expect(modelOf(pointsOn(1_000, 0.3, 0.0005, 0.15))).toMatchObject({ knee: null, kneeInterval: null })
  })

  it('names no bottleneck where one draw in ten names another', () => {
    // At sixteen processes both cost about the same.
    expect(modelOf(pointsOn(1_000, 0.08, 0.005, 0.15)).bottleneck).toBe('none')
  })

  it('tells no knee beyond what it may be asked, nor where there is none', () => {
    expect(modelOf(pointsOn(1_000, 0.04, 0.0001)).knee).toBeNull()
    expect(modelOf(pointsOn(1_000, 0.4, 0)).knee).toBeNull()
  })

  it('says nothing of more than three times the processes that were measured, nor of less than one', () => {
    const model = modelOf(pointsOn(1_000, 0.05, 0.005))
    expect(throughputAt(model, 48)).toBeCloseTo(throughputOf({ lambda: 1_000, sigma: 0.05, kappa: 0.005 }, 48), 0)
    expect(throughputAt(model, 48.1)).toBeNull()
    expect(throughputAt(model, 0)).toBeNull()
  })

  it('gives the same model for the same points, in whatever order', () => {
    const points = pointsOn(1_000, 0.05, 0.005, 0.1)
    expect(modelOf([...points].reverse())).toEqual(modelOf(points))
  })

  it('has wider bounds where repeats differ more', () => {
    const width = ({ intervals: { sigma } }: ScalabilityModel) => sigma[1] - sigma[0]
    expect(width(modelOf(pointsOn(1_000, 0.1, 0.005, 0.1)))).toBeGreaterThan(
      2 * width(modelOf(pointsOn(1_000, 0.1, 0.005, 0.01))),
    )
  })
})

describe('points that are no scaling', () => {
  it('are all contention where more processes do no more', () => {
    expect(modelOf(flat(() => 500))).toMatchObject({ sigma: 1, kappa: 0, knee: null, bottleneck: 'contention', rSquared: 1 })
  })

  it('have their knee at one where more processes do less from the first', () => {
    const model = modelOf(flat(n => 900 / n))
    expect(model.knee).toBe(1)
    expect(model.sigma).toBeLessThanOrEqual(1)
    expect(throughputAt(model, 16)).toBeLessThan(throughputAt(model, 1) as number)
  })

  it('that grow as processes do have no bottleneck, off by 3 % or not', () => {
    expect(modelOf(pointsOn(1_000, 0, 0))).toMatchObject({ bottleneck: 'none', knee: null })
    expect(modelOf(pointsOn(1_000, 0, 0, 0.03)).bottleneck).toBe('none')
  })

  it('that grow faster than processes do keep both coefficients at nothing', () => {
    expect(modelOf(flat(n => n ** 1.3))).toMatchObject({ sigma: 0, kappa: 0, bottleneck: 'none' })
  })

  it('of zeros have no model; one zero among them has', () => {
    expect(fitScalability(flat(() => 0))).toBeNull()
    const model = modelOf(flat(n => (n === 16 ? 0 : 100 * n)))
    for (const value of [model.lambda, model.sigma, model.kappa, model.rSquared]) expect(Number.isFinite(value)).toBe(true)
  })
})

test('one repeat that is far off moves nothing much, three to a point', () => {
  const points = pointsOn(1_000, 0.05, 0.005, 0.01).map(({ processes, perS }) =>
    processes === 6 ? { processes, perS: [perS[0] as number, perS[1] as number, 1] } : { processes, perS },
  )
  const model = modelOf(points)
  expect(model.sigma).toBeCloseTo(0.05, 1)
  expect(model.kappa).toBeCloseTo(0.005, 2)
})

test('fewer than six numbers of processes have no model, however often each was measured', () => {
  const five = pointsOn(1_000, 0.05, 0.005, 0, [1, 2, 3, 4, 6])
  expect(fitScalability(five)).toBeNull()
  expect(fitScalability([...five, ...five])).toBeNull()
  expect(fitScalability([...five, { processes: 8, perS: [] }])).toBeNull()
  expect(fitScalability([...five, { processes: 8, perS: [Number.NaN] }])).toBeNull()
  const twice = [...five, { processes: 8, perS: [5_000] }, { processes: 8, perS: [5_100] }]
  expect(modelOf(twice).points.map(({ perS }) => perS.length)).toEqual([3, 3, 3, 3, 3, 2])
})
