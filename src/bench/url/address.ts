import { Failure } from '../../kernel/errors.js'
import { parseUrl } from '../../kernel/parse-url.js'
import type { Target } from '../api/connection.js'

const PORTS = { 'http:': 80, 'https:': 443 } as const

/** One server, and what it is asked for, in turn. */
export interface Address {
  readonly target: Target
  /** For the Host header: the port is left out where it is the usual one. */
  readonly host: string
  /** With their queries. */
  readonly paths: readonly string[]
  /** As they were given, but normalised, and without the values of their queries, which may be secret. */
  readonly urls: readonly string[]
}

/** @throws {Failure} USAGE for what is no http or https URL, holds a user or password, or is of another server than the first */
export function addressOf(texts: readonly string[]): Address {
  const urls = texts.map(readUrl)
  const [first] = urls
  if (first === undefined) throw new Failure('USAGE', 'no URL to ask')
  const other = urls.find(url => url.origin !== first.origin)
  if (other !== undefined) {
    throw new Failure('USAGE', `${other.origin} is another server than ${first.origin}`, { hint: 'bench one server at a time' })
  }
  const port = first.port === '' ? PORTS[first.protocol as keyof typeof PORTS] : Number(first.port)
  const target = { host: first.hostname.replace(/^\[|\]$/g, ''), port }
  return {
    target: first.protocol === 'https:' ? { ...target, secure: true } : target,
    host: first.host,
    paths: urls.map(({ pathname, search }) => `${pathname}${search}`),
    urls: urls.map(url => `${url.origin}${shownPath(`${url.pathname}${url.search}`)}`),
  }
}

/** A path as anyone may see it: of its query, the names only. */
export function shownPath(path: string): string {
  const [before = '', ...query] = path.split('?')
  const names = query
    .join('?')
    .split('&')
    .map(pair => pair.replace(/=.*$/s, '=...'))
  return query.length === 0 ? before : `${before}?${names.join('&')}`
}

function readUrl(text: string): URL {
  const url = parseUrl(text)
  if (url === null || !(url.protocol in PORTS)) {
    throw new Failure('USAGE', `${JSON.stringify(text)} is no http or https URL`, {
      hint: '--url http://127.0.0.1:8080/v1/posts',
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw new Failure('USAGE', 'a URL with a user or a password is shown to everyone on this machine', {
      hint: '--header-file with a line `authorization: Basic ...`',
    })
  }
  return url
}
