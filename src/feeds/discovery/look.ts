import { isFailure } from '../../kernel/errors.js'
import { shortHash } from '../../kernel/hash.js'
import type { FeedDocument, SourceFailure } from '../document.js'
import type { FetchedDocument, Fetcher } from '../fetch/fetcher.js'
import { decodeText } from '../parse/decode.js'
import { parseDocument } from '../parse/parse.js'
import { sourceUrl } from '../urls.js'

export type Asking = Pick<Fetcher, 'fetch'>

/** What is at an address. */
export type Look =
  | {
      readonly kind: 'feed'
      readonly document: FeedDocument
      /** Where it is for good: the address that permanent redirects lead to when a source can have it, else the one asked. */
      readonly url: string
      readonly finalUrl: string
      readonly bodyHash: string
      readonly requests: number
    }
  | { readonly kind: 'page'; readonly html: string; readonly finalUrl: string; readonly requests: number }
  | { readonly kind: 'failed'; readonly failure: SourceFailure; readonly requests: number }

const ROOT_BYTES = 4_096

/** Fetches an address once and says what is there. Rejects only with the signal's reason, when it aborts. */
export async function look(fetcher: Asking, url: string, signal: AbortSignal): Promise<Look> {
  const outcome = await fetcher.fetch(url, { etag: null, lastModified: null }, signal)
  const { requests } = outcome
  if (outcome.kind === 'failed') return { kind: 'failed', failure: outcome.failure, requests }
  if (outcome.kind === 'document') return { ...(await read(outcome, url)), requests }
  if (outcome.kind === 'postponed')
    return { kind: 'failed', failure: { code: 'FEED_LIMITED', message: outcome.reason }, requests }
  return { kind: 'failed', failure: { code: 'FEED_HTTP_STATUS', message: 'HTTP 304 to a request without validators' }, requests }
}

type Read<Kind extends Look = Look> = Kind extends Look ? Omit<Kind, 'requests'> : never

async function read({ body, contentType, finalUrl, permanentUrl }: FetchedDocument, asked: string): Promise<Read> {
  const bodyHash = shortHash(body)
  try {
    const document = await parseDocument({ body, contentType, url: finalUrl, now: Date.now() })
    const url = (permanentUrl === null ? null : sourceUrl(permanentUrl)) ?? asked
    return { kind: 'feed', document, url, finalUrl, bodyHash }
  } catch (error) {
    if (!isFailure(error)) throw error
    const text = decodeText(body, contentType)
    if (isPage(text.slice(0, ROOT_BYTES), contentType)) return { kind: 'page', html: text, finalUrl }
    return { kind: 'failed', failure: { code: error.code, message: error.message } }
  }
}

/** Of what is no feed: a broken feed that is sent as HTML is none. */
function isPage(start: string, contentType: string | null): boolean {
  if (/<(?:rss|feed|rdf:rdf)[\s>]/i.test(start)) return false
  return /html/i.test(contentType ?? '') || /<(?:!doctype\s+html|html|head|body)[\s>]/i.test(start)
}
