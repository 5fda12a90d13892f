import { isDeepStrictEqual } from 'node:util'
import type { DocumentPost, FeedDocument, Rhythm } from '../../../src/feeds/document.js'
import * as limits from '../../../src/feeds/parse/limits.js'
import { parseUrl } from '../../../src/kernel/parse-url.js'
import { htmlFaults } from './html-safety.js'

/** Sanitising adds to what was cut before it (`&amp;`, absolute URLs, rel): a post may grow, but not without end. */
const MAX_CONTENT_GROWTH = 8
const MAX_GUID_CHARS = 2_000
const MAX_NOTICE_CHARS = 1_000
const NOTICES = new Set<string>(['POSTS_CUT', 'CONTENT_CUT', 'DOCUMENT_BROKEN', 'POSTS_REPEATED'])
const HASH = /^[\w-]{22}$/
/** Control characters that no field may hold; tab and line ends are judged by field. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0B\x0C\x0E-\x1F]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const LINE_CONTROL = /[\0-\x1F]/

/** Every promise of `FeedDocument` that this document breaks, each as `what: where`; the part before the colon names the kind of fault. */
export function documentFaults(document: FeedDocument, now: number): string[] {
  const faults: string[] = []
  const say = (what: string, where: string) => faults.push(`${what}: ${where}`)
  if (!['rss', 'atom', 'rdf', 'json'].includes(document.format)) say('unknown format', String(document.format))
  checkLine(say, 'feed title', document.title, limits.MAX_TITLE_CHARS)
  checkOptional(say, 'feed description', document.description, limits.MAX_DESCRIPTION_CHARS)
  checkOptional(say, 'feed language', document.language, limits.MAX_LANGUAGE_CHARS)
  if (document.link !== null) checkUrl(say, 'feed link', document.link)
  const { posts } = document
  checkRhythm(say, document.rhythm)
  for (const { code, message } of document.notices) {
    if (!NOTICES.has(code)) say('unknown notice', code)
    checkLine(say, 'notice', message, MAX_NOTICE_CHARS)
  }
  if (!Array.isArray(posts)) return [...faults, 'posts are no list: posts']
  if (posts.length > limits.MAX_POSTS) say('too many posts', String(posts.length))
  posts.forEach((post, index) => {
    checkPost((what, where) => say(what, `post ${index} ${where}`), post, now)
  })
  for (const key of ['guid', 'guidHash'] as const) {
    if (new Set(posts.map(post => post[key])).size !== posts.length) say(`${key} not unique`, 'posts')
  }
  checkDeep(say, document, 'document')
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(document)), document)) say('JSON round trip', 'document')
  return faults
}

type Say = (what: string, where: string) => void

function checkRhythm(say: Say, { ttlMinutes, updateMinutes, skipHours, skipDays, postIntervalMs }: Rhythm): void {
  for (const [where, minutes] of Object.entries({ ttlMinutes, updateMinutes })) {
    if (minutes !== null && !(Number.isFinite(minutes) && minutes > 0)) say(where, String(minutes))
  }
  if (postIntervalMs !== null && !(Number.isFinite(postIntervalMs) && postIntervalMs >= 0))
    say('postIntervalMs', String(postIntervalMs))
  for (const [where, list, limit] of [
    ['skipHours', skipHours, 24],
    ['skipDays', skipDays, 7],
  ] as const) {
    const inOrder = list.every(
      (value, index) => Number.isInteger(value) && value >= 0 && value < limit && value > (list[index - 1] ?? -1),
    )
    if (!inOrder || list.length >= limit) say(where, list.join(' '))
  }
}

function checkPost(say: Say, post: DocumentPost, now: number): void {
  if (typeof post.guid !== 'string' || post.guid === '' || post.guid.length > MAX_GUID_CHARS) say('guid', 'guid')
  if (!HASH.test(post.guidHash)) say('guidHash', 'guidHash')
  if (!HASH.test(post.contentHash)) say('contentHash', 'contentHash')
  if (post.url !== null) checkUrl(say, 'url', post.url)
  if (post.image !== null) checkUrl(say, 'image', post.image)
  checkLine(say, 'title', post.title, limits.MAX_TITLE_CHARS)
  checkOptional(say, 'author', post.author, limits.MAX_AUTHOR_CHARS)
  for (const key of ['publishedAt', 'updatedAt'] as const) {
    const at = post[key]
    if (at !== null && !(Number.isSafeInteger(at) && at >= 0 && at <= now)) say('date', `${key} ${at}`)
  }
  if (typeof post.content !== 'string') say('content is no string', typeof post.content)
  else {
    if (post.content.length > limits.MAX_CONTENT_BYTES * MAX_CONTENT_GROWTH) say('content too long', String(post.content.length))
    for (const fault of htmlFaults(post.content)) say(`unsafe ${fault}`, 'content')
  }
  if (post.categories.length > limits.MAX_CATEGORIES) say('too many categories', String(post.categories.length))
  if (new Set(post.categories).size !== post.categories.length) say('category twice', 'categories')
  for (const category of post.categories) checkOptional(say, 'category', category, limits.MAX_CATEGORY_CHARS)
  if (post.enclosures.length > limits.MAX_ENCLOSURES) say('too many enclosures', String(post.enclosures.length))
  for (const { url, type, bytes } of post.enclosures) {
    checkUrl(say, 'enclosure url', url)
    checkOptional(say, 'enclosure type', type, 200)
    if (bytes !== null && !(Number.isSafeInteger(bytes) && bytes >= 0)) say('enclosure bytes', String(bytes))
  }
}

function checkLine(say: Say, where: string, text: unknown, maxChars: number): void {
  if (typeof text !== 'string') say('no string', where)
  else if (text.length > maxChars) say('too long', where)
  else if (LINE_CONTROL.test(text) || text !== text.trim()) say('not one trimmed line', where)
}

/** Null, or a line that is not empty. */
function checkOptional(say: Say, where: string, text: unknown, maxChars: number): void {
  if (text === null) return
  if (text === '') say('empty instead of null', where)
  else checkLine(say, where, text, maxChars)
}

function checkUrl(say: Say, where: string, text: unknown): void {
  if (typeof text !== 'string') say('no string', where)
  else if (!/^https?:\/\//.test(text) || text.length > limits.MAX_URL_CHARS || parseUrl(text) === null) say('no http URL', where)
  else if (new URL(text).href !== text) say('URL not normal', where)
}

/** Whatever fields a document has, known here or not. */
function checkDeep(say: Say, value: unknown, where: string): void {
  if (typeof value === 'string') {
    if (/\p{Surrogate}/u.test(value)) say('lone surrogate', where)
    if (CONTROL.test(value)) say('control character', where)
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) say('number', where)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) checkDeep(say, member, Array.isArray(value) ? where : `${where}.${key}`)
  } else if (value !== null && typeof value !== 'boolean') say(`a ${typeof value}`, where)
}
