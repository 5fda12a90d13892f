import { Failure } from '../../kernel/errors.js'
import type { Asker } from './asking.js'
import type { Canary } from './canaries.js'

/** One that a token opens, as `/openapi.json` has it. */
export interface TenantRoute {
  readonly method: string
  /** `/v1/posts/{id}` */
  readonly path: string
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

/** Every documented route of tenants, of the API that is asked. @throws {Failure} UNAVAILABLE when it has no document */
export async function tenantRoutes(asker: Asker): Promise<readonly TenantRoute[]> {
  const answer = await asker.ask({ path: '/openapi.json', token: null })
  const document = answer.status === 200 ? (JSON.parse(answer.body) as { paths?: Record<string, object> }) : {}
  const routes = Object.entries(document.paths ?? {})
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter(method => METHODS.includes(method))
        .map(method => ({ method: method.toUpperCase(), path })),
    )
  if (routes.length > 0) return routes
  throw new Failure('UNAVAILABLE', `/openapi.json is answered with ${answer.status}: there is no API of feedctl`, {
    hint: '--url',
  })
}

/** The paths by which a reader would come to what is of the owner: its ids in the path, and its cursors and ids in the query. */
export function pathsTo(route: TenantRoute, owner: Canary, cursors: ReadonlyMap<string, string>): string[] {
  if (!route.path.includes('{'))
    return [route.path, ...queriesFor(route.path, owner, cursors).map(query => `${route.path}?${query}`)]
  const known = { posts: owner.posts, feeds: owner.feeds, media: owner.media }
  const named = Object.entries(known).find(([word]) => route.path.startsWith(`/v1/${word}/`))?.[1]
  const ids = named ?? [...owner.posts, ...owner.feeds, ...owner.media]
  return ids.map(id => route.path.replaceAll(/\{\w+\}/g, String(id)))
}

function queriesFor(path: string, owner: Canary, cursors: ReadonlyMap<string, string>): string[] {
  const cursor = cursors.get(path)
  const following = cursor === undefined ? [] : [`cursor=${encodeURIComponent(cursor)}`]
  switch (path) {
    case '/v1/posts':
      // Not the whole marker: an answer may repeat what was asked for.
      return ['include=content&limit=100', `feed=${owner.feeds[0]}`, `q=${owner.marker.slice(0, 20)}`, ...following]
    case '/v1/feeds':
      return following
    case '/v1/media':
      return [`after=${(owner.media[0] ?? 1) - 1}`]
    case '/v1/analytics':
      return ['by=kind', 'by=post', `by=kind&post=${owner.posts[0]}`, 'by=minute']
    default:
      return []
  }
}
