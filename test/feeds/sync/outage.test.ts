import { describe, expect, it } from 'vitest'
import type { FetchOutcome } from '../../../src/feeds/fetch/outcome.js'
import { OutageBreaker, reachOf } from '../../../src/feeds/outage.js'
import type { FailureCode } from '../../../src/kernel/errors.js'
import { Log } from '../../../src/kernel/log.js'

const never = new AbortController().signal

function failed(code: FailureCode, status: number | null = null): FetchOutcome {
  return {
    kind: 'failed',
    failure: { code, message: code },
    status,
    retryAfterS: null,
    hostQuietS: null,
    requests: 1,
    host: 'x',
    permanentUrl: null,
    finalUrl: null,
  }
}

function answered(): FetchOutcome {
  return {
    kind: 'not-modified',
    status: 304,
    etag: null,
    lastModified: null,
    cacheMaxAgeS: null,
    requests: 1,
    permanentUrl: null,
    finalUrl: 'http://x/',
  }
}

const urlOf = (number: number) => `http://www.site-${number}.example/feed.xml`

/** A breaker over a network that is there or not, and what it said. */
function breakerOver(network: { up: boolean | null; probed: (string | null)[] }, patienceMs = 0) {
  const lines: string[] = []
  const breaker = new OutageBreaker({
    patienceMs,
    log: new Log(line => lines.push(line)),
    probe: async url => {
      network.probed.push(url)
      return network.up
    },
  })
  return { breaker, lines }
}

describe('an outage', () => {
  it('is seen when unrelated sites fail and a known publisher does not answer either: none of the failures counts', async () => {
    const network = { up: false, probed: [] }
    const { breaker, lines } = breakerOver(network)
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, n) => breaker.through(urlOf(n), async () => failed('FEED_UNREACHABLE'), never)),
    )
    expect(outcomes).toEqual(Array.from({ length: 12 }, () => null))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('no feed is marked as failing')
  })

  it('is not seen while a known publisher answers: dead publishers are told as failures', async () => {
    const network = { up: true, probed: [] as (string | null)[] }
    const { breaker, lines } = breakerOver(network)
    await breaker.through(urlOf(0), async () => answered(), never)
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, n) => breaker.through(urlOf(n + 1), async () => failed('FEED_TIMEOUT'), never)),
    )
    expect(outcomes).toEqual(Array.from({ length: 40 }, () => failed('FEED_TIMEOUT')))
    // One answer is proof enough for a while: the publisher is not asked for every five that are dead.
    expect(network.probed).toEqual([urlOf(0)])
    expect(lines).toEqual([])
  })

  it('is not suspected for many feeds of one site, whatever its host names', async () => {
    const network = { up: false, probed: [] }
    const { breaker } = breakerOver(network)
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        breaker.through(`http://host-${n}.example.co.uk/`, async () => failed('FEED_UNREACHABLE'), never),
      ),
    )
    expect(outcomes.every(outcome => outcome?.kind === 'failed')).toBe(true)
    expect(network.probed).toEqual([])
  })

  it('is not suspected for publishers that answer, however badly', async () => {
    const network = { up: false, probed: [] }
    const { breaker } = breakerOver(network)
    for (let n = 0; n < 20; n++) {
      const outcome = await breaker.through(urlOf(n), async () => failed('FEED_HTTP_STATUS', 500), never)
      expect(outcome).toEqual(failed('FEED_HTTP_STATUS', 500))
    }
    expect(network.probed).toEqual([])
  })

  it('ends when somebody answers: what failed during it is asked again', async () => {
    const network = { up: false, probed: [] as (string | null)[] }
    const { breaker, lines } = breakerOver(network, 60_000)
    let asked = 0
    const asking = Array.from({ length: 8 }, (_, n) =>
      breaker.through(
        urlOf(n),
        async () => {
          asked++
          return network.up ? answered() : failed('FEED_UNREACHABLE')
        },
        never,
      ),
    )
    while (lines.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    network.up = true
    expect(await Promise.all(asking)).toEqual(Array.from({ length: 8 }, () => answered()))
    expect(asked).toBe(16)
    expect(lines[1]).toContain('can be reached again')
  })

  it('leaves an interrupted caller with the reason of its signal', async () => {
    const network = { up: false, probed: [] }
    const { breaker, lines } = breakerOver(network, 60_000)
    const stop = new AbortController()
    const asking = Array.from({ length: 6 }, (_, n) =>
      breaker.through(urlOf(n), async () => failed('FEED_UNREACHABLE'), stop.signal).catch((error: unknown) => error),
    )
    while (lines.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    stop.abort(new Error('stopped'))
    expect(await Promise.all(asking)).toEqual(Array.from({ length: 6 }, () => new Error('stopped')))
  })

  it('is not what the first sync of all sees whose feeds are all dead: nobody is known to ask', async () => {
    const { breaker, lines } = breakerOver({ up: null, probed: [] })
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, n) => breaker.through(urlOf(n), async () => failed('FEED_UNREACHABLE'), never)),
    )
    expect(outcomes).toEqual(Array.from({ length: 12 }, () => failed('FEED_UNREACHABLE')))
    expect(lines).toEqual([])
  })

  it('is over when any publisher answers, without waiting for the next probe', async () => {
    const network = { up: false, probed: [] as (string | null)[] }
    const { breaker, lines } = breakerOver(network, 60_000)
    let answer = (_outcome: FetchOutcome) => {}
    const slow = breaker.through(urlOf(50), () => new Promise(resolve => (answer = resolve)), never)
    let asked = 0
    const asking = Array.from({ length: 6 }, (_, n) =>
      breaker.through(urlOf(n), async () => (asked++ < 6 ? failed('FEED_TIMEOUT') : answered()), never),
    )
    while (lines.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    const probes = network.probed.length
    answer(answered())
    await slow
    expect(lines[1]).toContain('can be reached again')
    await Promise.all(asking)
    expect(network.probed.length - probes).toBeLessThanOrEqual(1)
  })

  it('is looked for again when twenty sites have been silent since the last proof', async () => {
    const network = { up: true, probed: [] as (string | null)[] }
    const { breaker } = breakerOver(network)
    await breaker.through(urlOf(0), async () => answered(), never)
    const fail = (from: number, count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, n) => breaker.through(urlOf(from + n), async () => failed('FEED_TIMEOUT'), never)),
      )
    await fail(1, 5)
    network.up = false
    expect(await fail(100, 19)).not.toContain(null)
    expect(await fail(200, 1)).toEqual([null])
    expect(network.probed).toHaveLength(2)
  })

  it('does not keep a single dead feed waiting', async () => {
    const network = { up: false, probed: [] }
    const { breaker } = breakerOver(network)
    const outcome = await breaker.through(urlOf(1), async () => failed('FEED_UNREACHABLE'), never)
    expect(outcome).toEqual(failed('FEED_UNREACHABLE'))
    expect(network.probed).toEqual([])
  })
})

describe('what an outcome says of the network', () => {
  it.each<[string, FetchOutcome, ReturnType<typeof reachOf>]>([
    ['an answer', answered(), 'answered'],
    ['a status', failed('FEED_HTTP_STATUS', 500), 'answered'],
    ['a document that is too large', failed('FEED_TOO_LARGE'), 'answered'],
    ['redirects without end', failed('FEED_REDIRECTS'), 'answered'],
    ['no connection', failed('FEED_UNREACHABLE'), 'silent'],
    ['no answer in time', failed('FEED_TIMEOUT'), 'silent'],
    ['a cut connection', failed('FEED_CUT'), 'silent'],
    ['a name that leads to a private address', failed('ADDRESS_REFUSED'), 'silent'],
    ['a URL that is refused before anybody is asked', { ...failed('ADDRESS_REFUSED'), requests: 0 } as FetchOutcome, 'unknown'],
    [
      'a host that is left alone',
      { kind: 'postponed', reason: '', retryAfterS: 1, requests: 0, host: 'x', finalUrl: '', permanentUrl: null },
      'unknown',
    ],
  ])('%s', (_what, outcome, reach) => {
    expect(reachOf(outcome)).toBe(reach)
  })
})
