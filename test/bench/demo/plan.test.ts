import { describe, expect, test } from 'vitest'
import { TENANTS } from '../../../src/bench/demo/cast.js'
import * as checks from '../../../src/bench/demo/checks.js'
import { feedsOf, planDemo, readersOf } from '../../../src/bench/demo/plan.js'
import { urlOf } from '../../../src/bench/demo/stage.js'

const plan = planDemo()

describe('the plan of the demo', () => {
  test('gives each tenant 6 to 12 feeds, and each source a reader', () => {
    const sizes = plan.reading.map(feeds => feeds.length)
    expect([sizes.length, Math.min(...sizes), Math.max(...sizes)]).toEqual([TENANTS.length, 6, 12])
    expect(plan.reading.every(feeds => new Set(feeds).size === feeds.length)).toBe(true)
    expect([...plan.sources.keys()].filter(position => readersOf(plan, position).length === 0)).toEqual([])
  })

  test('is the same each time', () => {
    expect(planDemo()).toEqual(plan)
  })

  test('lets a source publish that several read, none of whom waits for one that hangs', () => {
    const readers = readersOf(plan, plan.publishing)
    expect(readers.length).toBeGreaterThan(4)
    expect(readers.flatMap(index => feedsOf(plan, index)).some(source => source.at === 'hang')).toBe(false)
  })
})

describe('a claim of the demo', () => {
  const seen = {
    plan,
    server: {
      urlOf: (source: number) => `http://a.example/feeds/${source}.xml`,
      faultUrl: (name: string) => `http://a.example/${name}`,
    },
  }
  const asked = Object.fromEntries(plan.sources.map(source => [new URL(urlOf(seen, source)).pathname, 1]))
  const failed = plan.sources
    .filter(source => source.expects !== null)
    .map(source => ({ url: urlOf(seen, source), code: source.expects ?? '', message: '', nextCheckAt: 0 }))
  const published = plan.reading.flat().reduce((sum, position) => sum + (plan.sources[position]?.posts ?? 0), 0)
  const posts = (added: number, updated = 0) => ({ posts: { new: added, updated } })

  test.each([
    ['asked once', checks.askedOnce(seen, { byPath: { ...asked, '/redirect-loop': 2 } })],
    ['all stored', checks.storedAll(seen, posts(published), published)],
    ['failed as expected', checks.failedAsExpected(seen, failed)],
    ['nothing asked', checks.nothingAsked(posts(0), 0)],
    ['not modified', checks.notModified(seen, 49)],
    ['nothing written', checks.nothingWritten(posts(0), 7, 7)],
    ['brought to all', checks.broughtToAll(posts(9, 9), 9, 1)],
  ])('holds when it is so: %s', (_, check) => {
    expect(check.holds).toBe(true)
  })

  test.each([
    ['a source asked twice', checks.askedOnce(seen, { byPath: { ...asked, '/feeds/1.xml': 2 } }), '/feeds/1.xml 2 times'],
    ['a source not asked', checks.askedOnce(seen, { byPath: { ...asked, '/hang': 0 } }), '/hang 0 times'],
    ['a post lost', checks.storedAll(seen, posts(published), published - 1), `${published - 1} found`],
    ['a post not reported', checks.storedAll(seen, posts(published - 1), published), `${published - 1} reported`],
    ['a broken feed read', checks.failedAsExpected(seen, failed.slice(1)), 'status-404: no failure, not FEED_HTTP_STATUS'],
    [
      'a healthy feed failed',
      checks.failedAsExpected(seen, [
        ...failed,
        { url: 'http://a.example/feeds/1.xml', code: 'FEED_CUT', message: '', nextCheckAt: 0 },
      ]),
      'feeds/1.xml: FEED_CUT, not any',
    ],
    ['a request when none is due', checks.nothingAsked(posts(0), 1), '1 requests'],
    ['a post when none is due', checks.nothingAsked(posts(0, 1), 0), '1 updated'],
    ['a document sent again', checks.notModified(seen, 48), '48 answers 304'],
    ['a post written unseen', checks.nothingWritten(posts(0), 7, 8), '7 posts before, 8 after'],
    ['a post written twice', checks.nothingWritten(posts(0, 1), 7, 7), '1 updated'],
    ['a reader left out', checks.broughtToAll(posts(8, 9), 9, 1), '8 posts new'],
    ['a publisher asked by each', checks.broughtToAll(posts(9, 9), 9, 9), '9 requests'],
  ])('does not hold for %s, and says what was found', (_, check, evidence) => {
    expect(check.holds).toBe(false)
    expect(check.evidence).toContain(evidence)
  })
})
