import type { RetentionPolicy } from './retention-policy.js'

const DAY_MS = 86_400_000

/** A post as far as its age and place decide whether it goes. */
export interface AgedPost {
  readonly id: number
  readonly feed_id: number
  readonly sort_at: number
}

export interface AgingFeed {
  readonly id: number
  readonly policy: RetentionPolicy
  /** How many posts it has; only looked at where the policy counts. */
  readonly posts: number
}

/** Tells which posts of a tenant go. It is shown every post once, the oldest first, until it has seen `enough`. */
export class Expiry {
  private readonly feeds = new Map<number, { readonly before: number; surplus: number }>()
  private readonly newestBefore: number
  private surplus = 0

  constructor(feeds: readonly AgingFeed[], now: number) {
    let newestBefore = Number.NEGATIVE_INFINITY
    for (const { id, policy, posts } of feeds) {
      const before = policy.keepDays === 0 ? Number.NEGATIVE_INFINITY : now - policy.keepDays * DAY_MS
      const surplus = policy.keepPosts === 0 ? 0 : Math.max(0, posts - policy.keepPosts)
      this.feeds.set(id, { before, surplus })
      this.surplus += surplus
      newestBefore = Math.max(newestBefore, before)
    }
    this.newestBefore = newestBefore
  }

  takes(post: AgedPost): boolean {
    const feed = this.feeds.get(post.feed_id)
    if (feed === undefined) return false
    if (feed.surplus > 0) {
      feed.surplus--
      this.surplus--
      return true
    }
    return post.sort_at < feed.before
  }

  /** Whether no post from this one on, which it has not been shown yet, goes. */
  enough(next: Pick<AgedPost, 'sort_at'>): boolean {
    return this.surplus === 0 && next.sort_at >= this.newestBefore
  }

  get takesNothing(): boolean {
    return this.surplus === 0 && this.newestBefore === Number.NEGATIVE_INFINITY
  }
}
