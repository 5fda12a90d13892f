import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DocumentPost, FeedDocument } from '../../../src/feeds/document.js'
import { fuzz } from './campaign.js'
import { htmlFaults } from './html-safety.js'
import { documentFaults } from './invariants.js'
import { faultsOf } from './judge.js'
import { type ParserInput, ParserProcess } from './parser-process.js'
import { shrink } from './shrink.js'

const NOW = Date.UTC(2026, 5, 15)

const POST: DocumentPost = {
  guid: 'urn:1',
  guidHash: 'A'.repeat(22),
  contentHash: 'B'.repeat(22),
  url: 'https://h.example/1',
  title: 'One',
  author: null,
  publishedAt: 0,
  updatedAt: null,
  content: '<p>x <a href="https://h.example/" rel="noopener noreferrer nofollow">y</a></p>',
  categories: ['a'],
  image: null,
  enclosures: [{ url: 'https://h.example/a.mp3', type: 'audio/mpeg', bytes: 1 }],
}

const DOCUMENT: FeedDocument = {
  format: 'rss',
  title: 'Feed',
  link: null,
  description: null,
  language: null,
  rhythm: { ttlMinutes: null, updateMinutes: null, skipHours: [1, 2], skipDays: [], postIntervalMs: null },
  notices: [],
  posts: [POST],
}

function input(text: string): ParserInput {
  return { body: Buffer.from(text), contentType: null, url: 'http://h.example/', now: NOW }
}

describe('the promises of a document', () => {
  it('are kept by one that is in order', () => {
    expect(documentFaults(DOCUMENT, NOW)).toEqual([])
  })

  it.each<[string, Partial<DocumentPost>]>([
    ['url', { url: '/relative' }],
    ['url', { url: 'javascript:alert(1)' }],
    ['date', { publishedAt: NOW + 1 }],
    ['date', { updatedAt: 1.5 }],
    ['date', { publishedAt: Number.NaN }],
    ['title', { title: 'two\nlines' }],
    ['title', { title: 'x'.repeat(1_001) }],
    ['author', { author: '' }],
    ['lone surrogate', { content: '\uD800' }],
    ['control character', { content: '\u0001' }],
    ['unsafe tag <script>', { content: '<script>x</script>' }],
    ['guidHash', { guidHash: 'short' }],
    ['guid', { guid: '' }],
    ['category', { categories: ['a', 'a'] }],
    ['enclosure bytes', { enclosures: [{ url: 'https://h.example/a', type: null, bytes: -1 }] }],
    ['a undefined', { author: undefined as unknown as null }],
  ])('are broken by a post: %s', (what, change) => {
    const faults = documentFaults({ ...DOCUMENT, posts: [{ ...POST, ...change }] }, NOW)
    expect(faults.join('\n')).toContain(what)
  })

  it('are broken by two posts of one identity, and by a rhythm that never lets the feed be read', () => {
    expect(documentFaults({ ...DOCUMENT, posts: [POST, POST] }, NOW)).toContain('guid not unique: posts')
    const skipHours = Array.from({ length: 24 }, (_, hour) => hour)
    expect(documentFaults({ ...DOCUMENT, rhythm: { ...DOCUMENT.rhythm, skipHours } }, NOW)).toHaveLength(1)
  })
})

describe('HTML', () => {
  it.each([
    '<svg></svg>',
    '<p onclick="x">',
    '<a href="javascript:x" rel="noopener">x</a>',
    '<a href="&#106;avascript:x" rel="noopener">x</a>',
    '<a href="/x" rel="noopener">x</a>',
    '<a href="https://h/">x</a>',
    '<img src="data:image/png,x" loading="lazy">',
    '<img src="https://h/p.gif" loading="lazy" width="1" height="1">',
    '<img srcset="https://h/a 1x, javascript:x 2x" src="https://h/a" loading="lazy">',
    '<p style="x">',
    '<!-- x -->',
  ])('that must not come through is seen: %s', html => {
    expect(htmlFaults(html)).not.toEqual([])
  })
})

describe('what a parser does', () => {
  const failure = (code: string, exit: number, message: string) =>
    faultsOf(input('a\nb'), {
      seen: { kind: 'failure', code, exit, message },
      posts: 0,
      cpuMs: 1,
      paceMs: null,
      maxRssMb: 1,
      stable: true,
    })

  it('is judged by the code and the place of its failures', () => {
    expect(failure('FEED_UNREADABLE', 4, 'breaks at line 2, column 1: x')).toEqual([])
    expect(failure('FEED_EMPTY', 4, 'empty')).toEqual([])
    expect(failure('FEED_UNREADABLE', 4, 'breaks')).toHaveLength(1)
    expect(failure('FEED_UNREADABLE', 4, 'breaks at line 3, column 1: x')).toHaveLength(1)
    expect(failure('FEED_TIMEOUT', 5, 'slow')).toHaveLength(1)
    expect(failure('FEED_EMPTY', 4, 'em\0pty')).toHaveLength(1)
  })
})

/** A parser with a bug for each first letter, in the place of the real one. */
const BROKEN = `export async function parseDocument({ body }) {
  const text = Buffer.from(body).toString('latin1')
  if (text.includes('LOOP')) for (;;) {}
  if (text.includes('HEAP')) { const kept = []; for (;;) kept.push({ a: [kept.length] }) }
  if (text.includes('DICE')) return { format: Math.random() }
  if (text.includes('<')) throw new TypeError('boom')
  return { format: 'none' }
}`

describe('a broken parser', () => {
  let folder = ''
  let parser = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'feedctl-broken-'))
    parser = join(folder, 'parse.mjs')
    writeFileSync(parser, BROKEN)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is seen to hang, to die of its memory, to throw, to change its mind, and goes on each time', async () => {
    await using broken = new ParserProcess(parser)
    const kinds: string[] = []
    for (const text of ['<', 'LOOP', '<', 'HEAP', '<']) {
      const { seen } = await broken.parse({ input: input(text), deadlineMs: text === 'LOOP' ? 500 : 60_000 })
      kinds.push(seen.kind)
    }
    expect(kinds).toEqual(['thrown', 'hung', 'thrown', 'died', 'thrown'])
    expect(await broken.parse({ input: input('DICE'), twice: true, deadlineMs: 10_000 })).toMatchObject({ stable: false })
  })

  it('is found by the fuzzer, with a small document', async () => {
    const { findings } = await fuzz({ seed: 1, maxMs: 60_000, maxCases: 40, maxFindings: 1, parser })
    const [thrown] = findings.filter(({ fault }) => fault.startsWith('thrown TypeError boom'))
    expect(thrown).toMatchObject({ bytes: 1, origin: expect.stringContaining('seed 1 case') })
    for (const { file } of findings) rmSync(join(file, '..'), { recursive: true })
  })
})

it('shrinking keeps what fails and nothing else', async () => {
  const bytes = Buffer.from(`${'a'.repeat(500)}XY${'b'.repeat(300)}`)
  expect((await shrink(bytes, async candidate => candidate.includes('XY'), 1_000)).toString()).toBe('XY')
})
