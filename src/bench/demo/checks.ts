import type { SyncReport } from '../../feeds/report.js'
import type { FeedServerStats } from '../feed-server/tally.js'
import type { DemoPlan } from './plan.js'
import { type Directory, urlOf } from './stage.js'
import type { Check, FailedSource } from './steps.js'

interface Seen extends Directory {
  readonly plan: DemoPlan
}

/** The loop leads back to its own address, so that its one fetch is seen several times. */
export function askedOnce({ plan, server }: Seen, { byPath }: Pick<FeedServerStats, 'byPath'>): Check {
  const odd = plan.sources
    .filter(source => source.at !== 'redirect-loop')
    .map(source => new URL(urlOf({ server }, source)).pathname)
    .filter(path => byPath[path] !== 1)
  return {
    claim: `each of the ${plan.sources.length} sources was asked once, for all who read it`,
    holds: odd.length === 0,
    evidence: odd.length === 0 ? 'every path was asked once' : odd.map(path => `${path} ${byPath[path] ?? 0} times`).join(', '),
  }
}

export function storedAll({ plan }: Seen, report: Pick<SyncReport, 'posts'>, stored: number): Check {
  const expected = plan.reading.flat().reduce((sum, position) => sum + (plan.sources[position]?.posts ?? 0), 0)
  return {
    claim: 'every post of every readable document is stored with every reader',
    holds: stored === expected && report.posts.new === expected,
    evidence: `${expected} were published to them, ${report.posts.new} reported, ${stored} found`,
  }
}

export function failedAsExpected({ plan, server }: Seen, failed: readonly FailedSource[]): Check {
  const codes = new Map(failed.map(source => [source.url, source.code]))
  const wrong = plan.sources
    .map(source => ({ url: urlOf({ server }, source), expects: source.expects as string | null }))
    .filter(({ url, expects }) => (codes.get(url) ?? null) !== expects)
  const broken = plan.sources.filter(source => source.expects !== null).length
  return {
    claim: `only the ${broken} broken ones failed, each with its code and its next check`,
    holds: wrong.length === 0,
    evidence:
      wrong.length === 0
        ? `${failed.length} failed`
        : wrong.map(({ url, expects }) => `${url}: ${codes.get(url) ?? 'no failure'}, not ${expects ?? 'any'}`).join('; '),
  }
}

export function nothingAsked({ posts }: Pick<SyncReport, 'posts'>, requests: number): Check {
  return {
    claim: 'nothing is due: 0 requests, 0 posts written',
    holds: requests === 0 && posts.new + posts.updated === 0,
    evidence: `${requests} requests, ${posts.new} posts new, ${posts.updated} updated`,
  }
}

export function notModified({ plan }: Seen, answers: number): Check {
  const expected = plan.sources.filter(source => source.hasValidators).length
  return {
    claim: `all ${expected} that offer validators answered 304 Not Modified`,
    holds: answers === expected,
    evidence: `${answers} answers 304`,
  }
}

export function nothingWritten({ posts }: Pick<SyncReport, 'posts'>, before: number, after: number): Check {
  return {
    claim: 'no post was written',
    holds: posts.new + posts.updated === 0 && before === after,
    evidence: `${before} posts before, ${after} after; ${posts.new} new, ${posts.updated} updated`,
  }
}

/** An edition of the feed server has one new post, and one that was changed. */
export function broughtToAll({ posts }: Pick<SyncReport, 'posts'>, readers: number, requests: number): Check {
  return {
    claim: `one request brought its new post, and its changed one, to all ${readers}`,
    holds: requests === 1 && posts.new === readers && posts.updated === readers,
    evidence: `${requests} requests, ${posts.new} posts new, ${posts.updated} updated`,
  }
}
