import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici'
import { Failure } from '../../kernel/errors.js'
import { parseUrl } from '../../kernel/parse-url.js'
import { type AddressGuard, portOf } from './addresses.js'
import { createConnector } from './connector.js'
import { networkFailure } from './network-failure.js'
import { judge, type Lookup } from './resolve.js'

const KEEP_ALIVE_MS = 4_000
/** What servers send in headers, Content-Security-Policy above all, is more than Node's 16 KiB at times. */
export const MAX_HEADER_BYTES = 64 * 1024

/** The way to publishers. */
export interface Route {
  readonly name: 'direct' | 'proxy'
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>
  /** Judges what connecting does not. Rejects with the signal's reason when it aborts. @throws {Failure} ADDRESS_REFUSED, FEED_UNREACHABLE, FEED_TIMEOUT */
  clear(url: URL, timeoutMs: number, signal: AbortSignal): Promise<void>
  /** Cuts what is in flight. */
  close(): Promise<void>
}

export interface RouteOptions {
  readonly guard: AddressGuard
  readonly lookup: Lookup
  readonly timeoutMs: number
  readonly perHost: number
  readonly concurrency: number
}

export function directRoute(options: RouteOptions): Route {
  const { guard, timeoutMs, lookup } = options
  const agent = new Agent({ ...connections(options), connect: createConnector(guard, timeoutMs, lookup) })
  return { name: 'direct', dispatcher: agent, clear: async () => {}, close: () => agent.destroy() }
}

/**
 * Through the proxy: by CONNECT to https publishers, by forwarding to http ones, as proxies commonly allow. Names are resolved and judged here
 * first, and one address that may not be asked refuses them all: which one the proxy takes is not known here. The proxy itself is exempt.
 */
export function proxyRoute(proxy: URL, options: RouteOptions): Route {
  const authorization = authorizationOf(proxy)
  const tunnels = new ProxyAgent({
    ...connections(options),
    uri: proxy.origin,
    ...(authorization === null ? {} : { token: authorization }),
  })
  const forward = new Pool(proxy.origin, { ...connections(options), connections: options.concurrency })
  const dispatcher: Route['dispatcher'] = {
    dispatch(request, handler) {
      const origin = new URL(String(request.origin))
      if (origin.protocol === 'https:') return tunnels.dispatch({ ...request, origin }, handler)
      const headers: Record<string, string> = { ...(request.headers as Record<string, string>), host: origin.host }
      if (authorization !== null) headers['proxy-authorization'] = authorization
      return forward.dispatch({ ...request, origin: proxy.origin, path: origin.origin + request.path, headers }, handler)
    },
  }
  const close = async () => void (await Promise.all([tunnels.destroy(), forward.destroy()]))
  return { name: 'proxy', dispatcher, clear: (...asked) => clearName(options, ...asked), close }
}

/**
 * The proxy of a setting.
 * @throws {Failure} CONFIG_INVALID, without the text: it may hold a password
 */
export function parseProxy(text: string): URL {
  const url = parseUrl(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname.length > 1 || url.search !== '') {
    throw new Failure('CONFIG_INVALID', 'FEEDCTL_FETCH_PROXY is not the http(s) URL of a proxy', {
      hint: 'http://user:password@proxy.example:3128',
    })
  }
  return url
}

function connections({ perHost }: RouteOptions) {
  return {
    connections: perHost,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
}

function authorizationOf(proxy: URL): string | null {
  if (proxy.username === '' && proxy.password === '') return null
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

/** An address that is written in the URL resolves to itself. */
function clearName({ guard, lookup }: RouteOptions, url: URL, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  return new Promise<void>((resolve, reject) => {
    signal.throwIfAborted()
    const late = setTimeout(() => end(new Failure('FEED_TIMEOUT', `${url.host} was not looked up in time`)), timeoutMs)
    const stop = () => end(signal.reason)
    const end = (reason: unknown) => {
      clearTimeout(late)
      signal.removeEventListener('abort', stop)
      if (reason === null) resolve()
      else reject(reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error !== null) return end(networkFailure(error, url.host))
      const { passed, refusal } = judge(guard, addresses, hostname, portOf(url))
      const nowhere = passed.length === 0 ? new Failure('FEED_UNREACHABLE', `${hostname} has no address`) : null
      end(refusal ?? nowhere)
    })
  })
}
