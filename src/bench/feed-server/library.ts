import { gzipSync } from 'node:zlib'
import { shortHash } from '../../kernel/hash.js'
import { CONTENT_TYPES, type DocumentFormat, renderFeed } from './documents.js'
import { publishedAt } from './posts.js'

export type Encoding = 'identity' | 'gzip'

/** A document as a server offers it. */
export interface ServedDocument {
  readonly contentType: string
  /** Without the quotes and without the mark of an encoding. */
  readonly etag: string
  /** Milliseconds since the epoch; a whole second. */
  readonly modifiedMs: number
  body(encoding: Encoding): Buffer
}

export interface LibraryOptions {
  readonly seed: number
  readonly items: number
  readonly itemBytes: number
  /** The format of a source is the one at its number, in turn. */
  readonly formats: readonly DocumentFormat[]
  readonly originOf: (source: number) => string
}

/** The documents of every source in its present edition. Bodies are made when first asked for, per encoding, and kept until the next edition. */
export class Library {
  private shared = 0
  private readonly own = new Map<number, number>()
  private readonly kept = new Map<number, { edition: number; document: ServedDocument }>()

  constructor(private readonly options: LibraryOptions) {}

  /** One source, or every one, goes `by` editions on. */
  advance(by: number, source?: number): void {
    if (source === undefined) this.shared += by
    else this.own.set(source, (this.own.get(source) ?? 0) + by)
  }

  documentOf(source: number): ServedDocument {
    const edition = this.shared + (this.own.get(source) ?? 0)
    const kept = this.kept.get(source)
    if (kept?.edition === edition) return kept.document
    const document = this.open(source, edition)
    this.kept.set(source, { edition, document })
    return document
  }

  private open(source: number, edition: number): ServedDocument {
    const { seed, items, itemBytes, formats, originOf } = this.options
    const format = formats[source % formats.length] ?? 'rss'
    const order = { seed, source, edition, items, itemBytes, format, origin: originOf(source) }
    return keepBodies(() => renderFeed(order).body, {
      contentType: CONTENT_TYPES[format],
      // Everything the grammar of an entity tag allows, so that clients that split or escape it are found out.
      etag: `f,${source}/${edition};{${shortHash(JSON.stringify(order))}}'W/*`,
      modifiedMs: publishedAt(order),
    })
  }
}

/** A document whose body is made once per encoding that is asked for: who only asks for gzip does not make the server keep both. */
export function keepBodies(render: () => Buffer, facts: Omit<ServedDocument, 'body'>): ServedDocument {
  const bodies = new Map<Encoding, Buffer>()
  return {
    ...facts,
    body(encoding) {
      const kept = bodies.get(encoding)
      if (kept !== undefined) return kept
      // Level 1 is what nginx uses unless told otherwise.
      const body = encoding === 'gzip' ? gzipSync(render(), { level: 1 }) : render()
      bodies.set(encoding, body)
      return body
    },
  }
}
