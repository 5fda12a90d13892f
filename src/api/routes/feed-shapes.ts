import { z } from 'zod'
import type { FeedPage, FeedView } from '../../feeds/feed-views.js'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { Tenant } from '../../tenants/tenant.js'
import { cursorOf, NEXT } from '../cursors.js'
import { TIME, timeOf } from '../fields.js'
import type { Answers } from '../parts.js'

export const FEED = z
  .object({
    id: z.int(),
    url: z.string(),
    title: z.string().nullable().meta({ description: 'Null until the feed was read, unless one was given.' }),
    state: z.enum(['new', 'active', 'failing', 'moving', 'merged', 'retired']).meta({
      description:
        '`new`: not asked since it was added; `active`: the newest check succeeded; `failing`: it failed; `moving`: it was redirected for good, not yet often enough to be believed; ' +
        '`merged`: it is another feed that is read already; `retired`: its publisher said that it is gone for good.',
    }),
    stored_at: TIME.nullable().meta({ description: 'When its posts last changed.' }),
    checked_at: TIME.nullable().meta({
      description:
        'When its publisher was last asked, for whomever; null for what was before the feed was added, until there is something of it.',
    }),
    next_check_at: TIME.nullable().meta({ description: 'Null: with the next sync; for a `retired` one, never.' }),
    moved_to: z.string().nullable().meta({ description: 'Where it is redirected for good.' }),
    failure: z
      .object({ code: z.string(), message: z.string(), count: z.int().meta({ description: 'Checks in a row that failed.' }) })
      .nullable(),
    alert: z
      .object({ code: z.string(), message: z.string(), at: TIME })
      .nullable()
      .meta({ description: 'What its newest document gave reason to say.' }),
  })
  .meta({ id: 'Feed', description: 'A feed, and how it does.' })
export const FEEDS = z.object({ feeds: z.array(FEED), next: NEXT }).meta({ description: 'One page.' })

export const SUBSCRIBED = z.object({ id: z.int(), url: z.string() })

export function shownFeed(feed: FeedView): z.infer<typeof FEED> {
  const { id, url, title, state, storedAt, checkedAt, nextCheckAt, movedTo, failure, alert } = feed
  return {
    ...{ id, url, title, state },
    stored_at: timeOf(storedAt),
    checked_at: timeOf(checkedAt),
    next_check_at: timeOf(nextCheckAt),
    moved_to: movedTo,
    failure,
    alert: alert === null ? null : { ...alert, at: timeOf(alert.at) },
  }
}

export function shownFeeds({ feeds, next }: FeedPage): z.infer<typeof FEEDS> {
  return { feeds: feeds.map(shownFeed), next: next === null ? null : cursorOf([next]) }
}

/** Says nothing of whether another tenant has it. */
export function noFeed(): Failure {
  return new Failure('FEED_NOT_FOUND', 'there is no such feed')
}

/**
 * A deed that changes the tenant's feeds: nothing that is kept of it counts after that, even where the deed has failed, which may be halfway. Its refusals
 * have no hints: those name commands and settings of the operator.
 */
export async function changing<T>(answers: Answers, tenant: Tenant, deed: () => Promise<T>): Promise<T> {
  try {
    return await deed()
  } catch (error) {
    if (isFailure(error, 'FEED_NOT_FOUND')) throw noFeed()
    if (!isFailure(error) || error.retry || error.hint === null) throw error
    throw new Failure(error.code, error.message, { cause: error })
  } finally {
    answers.forget(tenant.id)
  }
}
