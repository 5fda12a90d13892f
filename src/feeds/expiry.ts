import type { RetentionPolicy } from './retention-policy.js'

const DAY_MS = 86_400_000

/** Where a post is in the order of posts. */
export interface PostPlace {
  readonly sort_at: number
  readonly id: number
}

/** A post as far as its age and place decide whether it goes. */
export interface AgedPost extends PostPlace {
  readonly feed_id: number
}

export interface AgingFeed {
  readonly id: number
  readonly policy: RetentionPolicy
  /** The last of the newest `keepPosts`; null when it has no more than those, or may have any number. */
  readonly oldestKept: PostPlace | null
}

/**
 * Tells which posts of a tenant go. The answer for a post depends on its place alone, and what goes leaves the limits where they are:
 * however many prune the tenant at once, and whoever was shown which posts, the same ones go.
 */
export class Expiry {
  private readonly limits = new Map<number, PostPlace>()
  private readonly newestLimit: PostPlace | null = null

  constructor(feeds: readonly AgingFeed[], now: number) {
    for (const { id, policy, oldestKept } of feeds) {
      // Ids begin at 1: a post of that very moment is not before it.
      const byAge = policy.keepDays === 0 ? null : { sort_at: now - policy.keepDays * DAY_MS, id: 0 }
      const limit = newerOf(byAge, oldestKept)
      if (limit === null) continue
      this.limits.set(id, limit)
      this.newestLimit = newerOf(this.newestLimit, limit)
    }
  }

  takes(post: AgedPost): boolean {
    const limit = this.limits.get(post.feed_id)
    return limit !== undefined && isBefore(post, limit)
  }

  /** Whether neither this post nor one after it goes. */
  enough(next: PostPlace): boolean {
    return this.newestLimit === null || !isBefore(next, this.newestLimit)
  }

  get takesNothing(): boolean {
    return this.newestLimit === null
  }
}

function isBefore(one: PostPlace, other: PostPlace): boolean {
  return one.sort_at < other.sort_at || (one.sort_at === other.sort_at && one.id < other.id)
}

function newerOf(one: PostPlace | null, other: PostPlace | null): PostPlace | null {
  if (one === null || other === null) return one ?? other
  return isBefore(one, other) ? other : one
}
