import { Parser } from 'htmlparser2'
import type { Selectable } from 'kysely'
import { parseUrl } from '../../kernel/parse-url.js'
import type { PostsTable } from '../../tenants/databases/index.js'
import { type MediaPolicy, wantsType } from '../policy.js'

/** A picture or enclosure that a post names. */
export interface Candidate {
  /** Absolute http(s) URL without a fragment. */
  readonly url: string
  readonly kind: 'image' | 'enclosure'
  /** False for what the feed itself says is not wanted: too large, or of another type. It is not asked for. */
  readonly wanted: boolean
}

type Post = Pick<Selectable<PostsTable>, 'image' | 'enclosures' | 'content'>

interface Named {
  readonly url: string
  readonly kind: Candidate['kind']
  readonly type?: string | null | undefined
  readonly bytes?: number | null | undefined
}

/** What a URL may have: what is longer is no address, but data. */
const MAX_URL_CHARS = 4_000
/** Of a post: they are noted as well. */
const MAX_UNWANTED = 100
/** Types that servers give to what they know nothing of. */
const UNTOLD = new Set(['', 'application/octet-stream', 'binary/octet-stream', 'application/unknown', 'unknown/unknown'])

/**
 * What the policy may want of a post, each URL once, in this order: its picture, its enclosures, the pictures in its content. Of what is wanted, as many as the
 * policy's count.
 */
export function candidatesOf(post: Post, policy: MediaPolicy): Candidate[] {
  const candidates = new Map<string, Candidate>()
  const counts = { wanted: 0, unwanted: 0 }
  for (const named of namedIn(post)) {
    const url = webAddress(named.url)
    if (url === null || candidates.has(url)) continue
    const wanted = mayBeWanted(named, policy)
    if (counts[wanted ? 'wanted' : 'unwanted']++ >= (wanted ? policy.mediaPerPost : MAX_UNWANTED)) continue
    candidates.set(url, { url, kind: named.kind, wanted })
  }
  return [...candidates.values()]
}

function* namedIn({ image, enclosures, content }: Post): Generator<Named> {
  if (image !== null) yield { url: image, kind: 'image' }
  for (const { url, type, bytes } of JSON.parse(enclosures) as Omit<Named, 'kind'>[])
    yield { url, type, bytes, kind: 'enclosure' }
  yield* picturesIn(content)
}

/** The sanitised content keeps one address of each picture, the best of its `srcset`. */
function picturesIn(content: string): Named[] {
  if (!/<(img|video)\b/i.test(content)) return []
  const found: Named[] = []
  const parser = new Parser({
    onopentag: (name, { src, poster }) => {
      const url = name === 'img' ? src : name === 'video' ? poster : undefined
      if (url !== undefined) found.push({ url, kind: 'image' })
    },
  })
  parser.end(content)
  return found
}

/** By what is declared of it. Only what is surely not wanted is left out: the rest is told by its bytes. */
function mayBeWanted({ kind, type, bytes }: Named, policy: MediaPolicy): boolean {
  if (bytes !== undefined && bytes !== null && bytes > policy.mediaMaxBytes) return false
  if (kind === 'image') return policy.mediaTypes.some(wanted => wanted.startsWith('image'))
  const declared = (type ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return UNTOLD.has(declared) || !declared.includes('/') || wantsType(policy, ALIASES[declared] ?? declared)
}

/** Names of old, as publishers still write them, and what the bytes are told to be. */
const ALIASES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'audio/mp3': 'audio/mpeg',
}

function webAddress(text: string): string | null {
  const url = text.length > MAX_URL_CHARS ? null : parseUrl(text)
  if (url === null) return null
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
  url.hash = ''
  return url.href
}
