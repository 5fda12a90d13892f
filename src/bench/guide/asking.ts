import type { Asked } from '../api/expectations.js'
import { LIST_PATH } from '../api/load.js'
import { type Caller, populate } from '../api/population.js'
import { askedFor, askOnce } from '../api/real-answer.js'
import type { Service } from '../api/service.js'
import type { Place } from '../sync/place.js'
import { FEEDS_PER_TENANT, POSTS_PER_FEED, USERS_TENANTS } from './load.js'

/** Makes the place, and tenants in it whose users ask. @throws {Failure} UNAVAILABLE, PARTIAL; the signal's reason */
export async function peopled(place: Place, tenants: number, signal: AbortSignal): Promise<Caller[]> {
  await place.prepare()
  return populate(place, { tenants, feedsPerTenant: FEEDS_PER_TENANT, postsPerFeed: POSTS_PER_FEED }, signal)
}

/** Those whose users ask where nothing else is said. @throws {Failure} UNAVAILABLE, PARTIAL; the signal's reason */
export function usersOf(place: Place, signal: AbortSignal): Promise<Caller[]> {
  return peopled(place, USERS_TENANTS, signal)
}

/** What each of them is answered; all of it is kept from then on. @throws {Error} when nobody answers */
export async function askedOf({ target }: Service, callers: readonly Caller[]): Promise<Asked[]> {
  const asked: Asked[] = []
  for (const { token } of callers) asked.push(askedFor(LIST_PATH, token, await askOnce(target, LIST_PATH, token)))
  return asked
}
