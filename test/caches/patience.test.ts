import { describe, expect, it } from 'vitest'
import { Patience } from '../../src/caches/index.js'
import { Failure } from '../../src/kernel/errors.js'

const AWAY_MS = 100

function patienceOf(patienceMs = 60_000) {
  const clock = { now: 1_000 }
  const told: string[] = []
  const terms = { patienceMs, awayMs: AWAY_MS, what: 'it' }
  const patience = new Patience(
    terms,
    failure => told.push(failure.message),
    () => clock.now,
  )
  return { patience, clock, told }
}

function held<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
} {
  let [resolve, reject] = [(_value: T) => {}, (_error: unknown) => {}]
  const promise = new Promise<T>((...ends) => {
    ;[resolve, reject] = ends
  })
  return { promise, resolve, reject }
}

const gone = () => Promise.reject(new Failure('UNAVAILABLE', 'gone'))

describe('patience', () => {
  it('has one try it again when it was away, and others wait for how that ends', async () => {
    const { patience, clock } = patienceOf()
    await expect(patience.ask(gone)).rejects.toMatchObject({ message: 'gone' })
    clock.now += AWAY_MS
    const trial = held<string>()
    const trying = patience.ask(() => trial.promise)
    await expect(patience.ask(async () => 'too early')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    trial.resolve('there')
    expect(await trying).toBe('there')
    expect(await patience.ask(async () => 'again')).toBe('again')
  })

  it.each(['answered', 'refused'])('does not take a question from before it was lost for that try, %s late', async how => {
    const { patience, clock } = patienceOf()
    const old = held<string>()
    const asked = patience.ask(() => old.promise).catch(() => 'refused')
    await patience.ask(gone).catch(() => {})
    clock.now += AWAY_MS
    const trial = held<string>()
    const trying = patience.ask(() => trial.promise)
    if (how === 'answered') old.resolve('answered')
    else old.reject(new Failure('UNAVAILABLE', 'gone before'))
    expect(await asked).toBe(how)
    clock.now += AWAY_MS
    expect(patience.away).toBe(true)
    trial.resolve('there')
    await trying
    expect(patience.away).toBe(false)
  })

  it('waits for a slow answer as long as a small question is answered, which all who wait ask once', async () => {
    const { patience, told } = patienceOf(50)
    let looks = 0
    let atOnce = 0
    let most = 0
    const look = async () => {
      most = Math.max(most, ++atOnce)
      await new Promise(resolve => setImmediate(resolve))
      atOnce--
      looks++
    }
    const slow = [held<string>(), held<string>()]
    const asked = slow.map(({ promise }) => patience.ask(() => promise, look))
    await expect.poll(() => looks).toBeGreaterThan(4)
    expect(patience.away).toBe(false)
    for (const { resolve } of slow) resolve('slow')
    expect([await Promise.all(asked), told, most]).toEqual([['slow', 'slow'], [], 1])
  })

  it.each([
    ['is silent too', () => new Promise<never>(() => {})],
    ['is refused', gone],
  ])('gives up a slow answer when the small question %s', async (_how, look) => {
    const { patience } = patienceOf(50)
    await expect(patience.ask(() => new Promise(() => {}), look)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(patience.away).toBe(true)
    patience.heard()
    expect(await patience.ask(async () => 'there')).toBe('there')
  })
})
