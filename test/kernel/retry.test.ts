import { describe, expect, it } from 'vitest'
import { sleep } from '../../src/kernel/clock.js'
import { Failure } from '../../src/kernel/errors.js'
import { backoffMs, retry, until } from '../../src/kernel/retry.js'

const PLAN = { firstMs: 1, maxMs: 2, tries: 3 }

describe('the wait before the next attempt', () => {
  it.each([
    [1, 0, 500],
    [1, 1, 1_000],
    [2, 0, 1_000],
    [2, 1, 2_000],
    [4, 0.5, 6_000],
    [7, 1, 60_000],
    [7, 0, 30_000],
    [500, 1, 60_000],
  ])('after attempt %i with the random %d is %i ms', (attempt, random, ms) => {
    expect(backoffMs(attempt, { firstMs: 1_000, maxMs: 60_000 }, random)).toBe(ms)
  })
})

describe('retrying', () => {
  /** Fails with each of the errors in turn, then answers the attempt. */
  const failing = (...errors: unknown[]) => {
    const attempts: number[] = []
    const deed = async (attempt: number) => {
      attempts.push(attempt)
      if (attempt <= errors.length) throw errors[attempt - 1]
      return `attempt ${attempt}`
    }
    return { attempts, deed }
  }
  const away = new Failure('UNAVAILABLE', 'away')

  it('gives what the first attempt that succeeds gives', async () => {
    expect(await retry(failing(away, away).deed, PLAN)).toBe('attempt 3')
  })

  it('throws what it threw last when the tries are used up', async () => {
    const last = new Failure('LOCKED', 'last')
    const { attempts, deed } = failing(away, away, last, away)
    await expect(retry(deed, PLAN)).rejects.toBe(last)
    expect(attempts).toEqual([1, 2, 3])
  })

  it.each([new Failure('TENANT_EXISTS', 'there'), new TypeError('a bug'), 'text'])('never repeats %s', async error => {
    const { attempts, deed } = failing(error)
    await expect(retry(deed, PLAN)).rejects.toBe(error)
    expect(attempts).toEqual([1])
  })

  it('asks who knows what is worth it', async () => {
    const { deed } = failing(new TypeError('passing'))
    expect(await retry(deed, { ...PLAN, worthRetrying: error => error instanceof TypeError })).toBe('attempt 2')
  })

  it('stops waiting when the signal aborts', async () => {
    const stop = new AbortController()
    const { attempts, deed } = failing(away, away)
    const waiting = retry(deed, { tries: 3, firstMs: 600_000, maxMs: 600_000, signal: stop.signal })
    setImmediate(() => stop.abort(new Failure('INTERRUPTED', 'enough')))
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(attempts).toEqual([1])
  })
})

describe('polling', () => {
  const late = () => new Failure('NO_WORKER', 'late')

  it('gives the first thing that is not null', async () => {
    const found = [null, null, 0]
    expect(await until(async () => found.shift() ?? null, { everyMs: 1, withinMs: 60_000, late }).catch(() => 'late')).toBe(0)
  })

  it('throws the failure it is given when the time is over, having probed once at least', async () => {
    let probes = 0
    const probe = async () => {
      probes++
      return null
    }
    await expect(until(probe, { everyMs: 1, withinMs: 0, late })).rejects.toMatchObject({ code: 'NO_WORKER' })
    expect(probes).toBe(1)
  })

  it('is stopped by the signal', async () => {
    const signal = AbortSignal.abort(new Failure('INTERRUPTED', 'enough'))
    await expect(until(async () => null, { everyMs: 600_000, withinMs: 600_000, late, signal })).rejects.toBe(signal.reason)
    await expect(sleep(600_000, signal)).rejects.toBe(signal.reason)
  })
})
