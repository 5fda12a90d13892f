import { countersOf } from '../media/intake/counters.js'
import type { TenantTables } from '../tenants/tables.js'

/** What posts name and should have been stored. Times are epoch ms. */
export interface LinkFacts {
  /** Since when the oldest has waited to be tried, or tried again, or to be looked at; null without any. */
  readonly waitingSince: number | null
  readonly stored: number
  /** Whose last attempt failed, and the most frequent reason; null without any. */
  readonly failed: number
  readonly failure: string | null
}

/** What is seen of the links of tenant after tenant. */
export class LinkTally {
  private waitingSince = Number.POSITIVE_INFINITY
  private stored = 0
  private readonly failures = new Map<string, number>()

  async add(tables: TenantTables, now: number): Promise<void> {
    const rows = await tables
      .mediaLinks()
      .where('state', 'in', ['waiting', 'failed', 'stored'])
      .groupBy(['state', 'failure_code'])
      .select(eb => ['state', 'failure_code', eb.fn.countAll<number>().as('links'), eb.fn.min('next_at').as('next_at')])
      .execute()
    for (const { state, failure_code, links, next_at } of rows) {
      if (state === 'stored') this.stored += Number(links)
      if (state === 'failed') this.count(failure_code ?? '', Number(links))
      if (state !== 'stored' && next_at !== null) this.isWaiting(Number(next_at), now)
    }
    const { next, cursor } = await countersOf(tables)
    if (cursor === null || cursor >= next) return
    const post = await tables.posts().select('created_at').where('id', '>=', cursor).orderBy('id').limit(1).executeTakeFirst()
    if (post !== undefined) this.isWaiting(post.created_at, now)
  }

  facts(): LinkFacts {
    const [most] = [...this.failures].sort(([, a], [, b]) => b - a)
    const failed = [...this.failures.values()].reduce((sum, links) => sum + links, 0)
    const waitingSince = Number.isFinite(this.waitingSince) ? this.waitingSince : null
    return { waitingSince, stored: this.stored, failed, failure: most?.[0] ?? null }
  }

  private count(code: string, links: number): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + links)
  }

  /** What is due later does not wait. */
  private isWaiting(since: number, now: number): void {
    if (since <= now) this.waitingSince = Math.min(this.waitingSince, since)
  }
}
