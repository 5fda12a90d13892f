/** A route as it was registered: `GET`, `/v1/posts/:id`. */
export interface RegisteredRoute {
  readonly method: string
  readonly url: string
  /** Left out of the document at `/openapi.json`. */
  readonly hidden: boolean
}

/** Every route there is, to tell a wrong method from a wrong path. */
export class RouteTable {
  readonly routes: RegisteredRoute[] = []
  private readonly patterns = new Map<string, RegExp>()

  add(route: RegisteredRoute): void {
    this.routes.push(route)
    if (!this.patterns.has(route.url)) this.patterns.set(route.url, patternOf(route.url))
  }

  /** The methods that the path can be asked with, in order; none for a path that is not there. */
  allowed(path: string): string[] {
    const methods = this.routes.filter(({ url }) => url !== '*' && this.patterns.get(url)?.test(path)).map(({ method }) => method)
    return [...new Set(methods)].sort()
  }
}

function patternOf(url: string): RegExp {
  const parts = url.split(/(:\w+|\*)/).map(part => {
    if (part === '*') return '.*'
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.()+?^$|[\]\\{}]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}
