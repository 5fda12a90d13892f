import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DocumentFormat, renderFeed } from '../../../src/bench/feed-server/documents.js'
import { SMALL_DOCUMENTS } from './small-documents.js'

const REAL = '../shared/feeds'
const FORMATS: readonly DocumentFormat[] = ['rss', 'atom', 'rdf', 'json']
const ENTRIES_KEPT = 3

/** Bytes are kept as a string of one character per byte ("binary"): mutations of markup and of bytes then work on the same thing. */
export interface Seed {
  readonly name: string
  readonly whole: string
  /** The same document with a few of its entries: most cases start here, since what a mutation breaks seldom needs more. */
  readonly short: string
}

/** The real documents when they are beside the clone, one generated document of each format, and small ones of the rarer kinds. */
export function seedDocuments(): readonly Seed[] {
  const real = existsSync(REAL)
    ? readdirSync(REAL)
        .filter(name => /\.(?:rss|atom|json)$/.test(name))
        .sort()
        .map(name => seed(name, readFileSync(join(REAL, name))))
    : []
  const generated = FORMATS.map(format =>
    seed(
      `generated.${format}`,
      renderFeed({ format, seed: 1, source: 7, edition: 3, items: 12, itemBytes: 900, origin: 'http://f.example' }).body,
    ),
  )
  const small = Object.entries(SMALL_DOCUMENTS).map(([name, text]) => seed(name, Buffer.from(text)))
  return [...real, ...generated, ...small]
}

function seed(name: string, bytes: Buffer): Seed {
  const whole = bytes.toString('latin1')
  return { name, whole, short: shortened(whole) }
}

function shortened(text: string): string {
  const ends = [...text.matchAll(/<\/(?:item|entry)>/g)].map(match => match.index + match[0].length)
  const kept = ends[ENTRIES_KEPT - 1]
  const last = ends.at(-1)
  return kept === undefined || last === undefined ? text : text.slice(0, kept) + text.slice(last)
}
