import type { FeedServerStats } from '../feed-server/tally.js'
import { feedsOf, type SyncLoad } from './load.js'
import type { PrintedReport } from './report.js'

/** What a sync is judged by: its own report, what the feed server saw of it, and what lies in the tables after it. */
export interface Evidence {
  readonly report: PrintedReport
  readonly stats: FeedServerStats
  /** Posts in the tables of all tenants. */
  readonly postsStored: number
  readonly workersLost: number
}

/** Why a sync into empty tables was not the one that was asked for; nothing when it was. */
export function faultsOfCold(load: SyncLoad, evidence: Evidence): string[] {
  const posts = feedsOf(load) * load.items
  return [
    ...faultsOfAny(load, evidence),
    ...differs('new posts', evidence.report.posts.new, posts),
    ...differs('posts in the tables', evidence.postsStored, posts),
  ]
}

/** Why a sync of what has not changed was not the one that was asked for; nothing when it was. */
export function faultsOfWarm(load: SyncLoad, evidence: Evidence): string[] {
  const { report, stats, postsStored } = evidence
  return [
    ...faultsOfAny(load, evidence),
    ...differs('answers 304', stats.notModified, load.distinct),
    ...differs('new or updated posts', report.posts.new + report.posts.updated, 0),
    ...differs('posts in the tables', postsStored, feedsOf(load) * load.items),
  ]
}

function faultsOfAny(load: SyncLoad, { report, stats, workersLost }: Evidence): string[] {
  const why = report.failures[0]?.message
  return [
    ...differs('tenants done', report.tenants.ok, load.tenants),
    ...differs('feeds', report.feeds.total, feedsOf(load)),
    ...differs(`failed feeds${why === undefined ? '' : ` (${why})`}`, report.feeds.failed, 0),
    ...differs('requests at the feed server', stats.requests, load.distinct),
    ...differs('sources asked for', Object.keys(stats.byPath).length, load.distinct),
    ...differs('requests in the report', report.sources.requests, load.distinct),
    ...differs('workers lost', workersLost, 0),
  ]
}

function differs(what: string, found: number, expected: number): string[] {
  return found === expected ? [] : [`${what}: ${found} instead of ${expected}`]
}
