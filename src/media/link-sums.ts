import type { TenantTables } from '../tenants/tables.js'
import { countersOf } from './intake/counters.js'

/** What most links of a state say of why. */
export interface LinkReason {
  readonly code: string
  readonly links: number
}

/** What posts name and is not stored, or not yet. */
export interface LinkSums {
  /** Posts that were not looked at yet, at most. */
  readonly posts: number
  /** Not tried yet. */
  readonly waiting: number
  /** `givenUp`: those of `links` that are not tried again. */
  readonly failed: { readonly links: number; readonly givenUp: number; readonly reason: LinkReason | null }
  /** Not what the tenant's policy wants. */
  readonly refused: { readonly links: number; readonly reason: LinkReason | null }
}

/** Sums up the links of tenants, one after the other. */
export class LinkCount {
  private posts = 0
  private waiting = 0
  private givenUp = 0
  private readonly codes = { failed: new Map<string, number>(), refused: new Map<string, number>() }

  async add(tables: TenantTables): Promise<void> {
    const { next, cursor } = await countersOf(tables)
    this.posts += cursor === null ? 0 : Math.max(0, next - cursor)
    const rows = await tables
      .mediaLinks()
      .select(eb => {
        const isOver = eb.case().when('next_at', 'is', null).then(1).else(0).end()
        return ['state', 'failure_code', isOver.as('over'), eb.fn.countAll<number>().as('links')]
      })
      .where('state', 'in', ['waiting', 'failed', 'refused'])
      .groupBy(['state', 'failure_code', 'over'])
      .execute()
    for (const { state, failure_code, over, links } of rows) {
      if (state === 'waiting') this.waiting += Number(links)
      if (state !== 'failed' && state !== 'refused') continue
      const codes = this.codes[state]
      codes.set(failure_code ?? '', (codes.get(failure_code ?? '') ?? 0) + Number(links))
      if (state === 'failed' && Number(over) === 1) this.givenUp += Number(links)
    }
  }

  sums(): LinkSums {
    const failed = { ...summed(this.codes.failed), givenUp: this.givenUp }
    return { posts: this.posts, waiting: this.waiting, failed, refused: summed(this.codes.refused) }
  }
}

function summed(codes: ReadonlyMap<string, number>): { links: number; reason: LinkReason | null } {
  const [most] = [...codes].sort(([, a], [, b]) => b - a)
  const links = [...codes.values()].reduce((sum, count) => sum + count, 0)
  return { links, reason: most === undefined ? null : { code: most[0], links: most[1] } }
}
