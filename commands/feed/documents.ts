import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { showControls } from '../../src/cli/width.js'
import type { DocumentPost, FeedDocument } from '../../src/feeds/document.js'
import { Failure, type FailureCode, isFailure } from '../../src/kernel/errors.js'
import { settingsOf } from '../opening.js'
import { examples } from '../program.js'
import { readBoundedFile } from './bounded-file.js'
import { withFetcher } from './fetching.js'

interface Input {
  readonly body: Uint8Array
  readonly contentType: string | null
  /** What relative links are resolved against. */
  readonly url: string
}

export function registerDocuments(feed: Command, io: Io): void {
  const parse = feed
    .command('parse')
    .description('show a feed document as feedctl reads it: normalised and sanitised')
    .argument('<document>', 'a file, a URL with its https://, or - for stdin')
    .action(async named => {
      const document = await readDocument(named, io)
      for (const { code, message } of document.notices) io.note(`note: ${message} (${code})`)
      io.print(documentView(document), (_, style) => documentWords(document, style))
    })
  examples(parse, [
    'feedctl feed parse feed.xml',
    'feedctl feed parse https://example.com/feed.xml --json',
    'curl -s https://example.com/feed.xml | feedctl feed parse -',
  ])
}

/** @throws {Failure} why it cannot be read, with what may help */
async function readDocument(named: string, io: Io): Promise<FeedDocument> {
  const { parseDocument } = await import('../../src/feeds/parse/parse.js')
  try {
    return await parseDocument({ ...(await readInput(named, io)), now: Date.now() })
  } catch (error) {
    if (!isFailure(error) || error.hint !== null) throw error
    const hint = await hintOf(error.code, named)
    throw hint === null ? error : new Failure(error.code, error.message, { hint, cause: error })
  }
}

async function readInput(named: string, io: Io): Promise<Input> {
  if (isUrl(named)) return fetchInput(named, io)
  const { fetchMaxBytes: maxBytes } = settingsOf(io)
  const tooLarge = () => new Failure('FEED_TOO_LARGE', `the document is larger than ${maxBytes} bytes`)
  const body =
    named === '-' ? await io.readStdin(maxBytes) : await readBoundedFile(resolve(io.cwd, named), { maxBytes, tooLarge }, named)
  if (body.byteLength > maxBytes) throw tooLarge()
  return { body, contentType: null, url: 'http://localhost/' }
}

async function fetchInput(named: string, io: Io): Promise<Input> {
  const { parseFeedUrl } = await import('../../src/feeds/urls.js')
  const url = parseFeedUrl(named)
  const none = { etag: null, lastModified: null }
  const outcome = await withFetcher(settingsOf(io), fetcher => fetcher.fetch(url, none, io.signal))
  if (outcome.kind === 'failed') throw new Failure(outcome.failure.code, outcome.failure.message)
  if (outcome.kind === 'postponed') throw new Failure('FEED_LIMITED', outcome.reason)
  if (outcome.kind === 'not-modified') throw new Failure('FEED_HTTP_STATUS', 'HTTP 304 to a request without validators')
  return { body: outcome.body, contentType: outcome.contentType, url: outcome.finalUrl }
}

async function hintOf(code: FailureCode, named: string): Promise<string | null> {
  const [{ sourceUrl }, { hintFor }] = await Promise.all([
    import('../../src/feeds/urls.js'),
    import('../../src/feeds/discovery/hints.js'),
  ])
  const url = isUrl(named) ? sourceUrl(named) : null
  if (url !== null) return hintFor(code, url, 'parse')
  if (code === 'FEED_NOT_A_FEED') return 'feedctl feed discover <url of the site>'
  if (code === 'FEED_TOO_LARGE') return 'set FEEDCTL_FETCH_MAX_BYTES'
  return code === 'FEED_EMPTY' && named === '-' ? 'curl -sS <url of the feed> | feedctl feed parse -' : null
}

function isUrl(named: string): boolean {
  return /^https?:\/\//i.test(named)
}

function documentView(document: FeedDocument) {
  const { format, title, link, description, language, notices } = document
  return { feed: { format, title, link, description, language }, posts: document.posts.map(postView), notices }
}

function postView(post: DocumentPost) {
  const { guid, url, title, author, publishedAt, updatedAt, content, categories, image, enclosures } = post
  return { guid, url, title, author, publishedAt, updatedAt, content, categories, image, enclosures }
}

function documentWords(document: FeedDocument, style: Style): string {
  const head = `${style.bold(showControls(document.title) || '(no title)')} (${document.format}, ${counted(document.posts.length, 'post')})`
  if (document.posts.length === 0) return head
  const rows = table(
    document.posts,
    [
      {
        title: 'PUBLISHED',
        cell: post =>
          post.publishedAt === null ? null : new Date(post.publishedAt).toISOString().slice(0, 16).replace('T', ' '),
      },
      { title: 'TITLE', cell: post => post.title },
      { title: 'URL', cell: post => post.url },
      { title: 'CHARS', cell: post => post.content.length },
    ],
    style,
  )
  return `${head}\n${rows}`
}
