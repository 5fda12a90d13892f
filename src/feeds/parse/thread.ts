import { move, transferableSymbol, valueSymbol } from 'piscina'
import { isFailure } from '../../kernel/errors.js'
import type { DocumentPost, Notice, Rhythm, SourceFailure } from '../document.js'
import { decodeDocument, encodeDocument } from './codec.js'
import { parseDocument } from './parse.js'

/** What a parser thread is given; only bytes and plain values cross over. */
export interface ParseTask {
  readonly body: Uint8Array
  readonly contentType: string | null
  readonly url: string
  readonly now: number
  /** The encoded document of an earlier version, whose unchanged posts are taken over; null when there is none. */
  readonly previous: Uint8Array | null
}

export type ParseResult =
  | {
      /** The document as `encodeDocument` writes it. */
      readonly document: Uint8Array
      readonly rhythm: Rhythm
      readonly notices: readonly Notice[]
    }
  | { readonly failure: SourceFailure }

/** Entry of a parser thread: one document in, a `ParseResult` out, its bytes handed over without a copy. */
export default async function parseInThread(task: ParseTask): Promise<ParseResult | ReturnType<typeof move>> {
  const { previous, ...input } = task
  try {
    const parsed = await parseDocument({ ...input, previous: knownPosts(previous) })
    const document = encodeDocument(parsed)
    const result: ParseResult = { document, rhythm: parsed.rhythm, notices: parsed.notices }
    return move({ [transferableSymbol]: [document.buffer], [valueSymbol]: result })
  } catch (error) {
    if (!isFailure(error)) throw error
    return { failure: { code: error.code, message: error.message } }
  }
}

function knownPosts(previous: Uint8Array | null): ReadonlyMap<string, DocumentPost> | undefined {
  const document = previous === null ? null : decodeDocument(previous)
  return document === null ? undefined : new Map(document.posts.map(post => [post.guidHash + post.contentHash, post]))
}
