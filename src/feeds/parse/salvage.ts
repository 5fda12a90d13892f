import { SaxesParser } from 'saxes'

/** What can be kept of a document whose XML breaks off or goes wrong. */
export interface Wreck {
  /** The document up to its last whole entry before the break, its open elements closed; null when no entry is whole. */
  readonly text: string | null
  readonly line: number
  readonly column: number
  readonly reason: string
}

/** Mistakes that do not change where an element ends: a lenient reader gets over them. */
const HARMLESS =
  /entity|^disallowed character\.$|\]\]>|duplicate attribute|malformed comment|unquoted attribute|attribute without value|XML declaration|version number|encoding value|standalone|processing instruction|doctype/i

class Broken extends Error {}

/** Finds where the structure of the XML breaks; null when elements open and close as they should. */
export function salvage(text: string): Wreck | null {
  const parser = new SaxesParser()
  const open: string[] = []
  let whole: { end: number; open: readonly string[] } | null = null
  let wreck: Omit<Wreck, 'text'> | null = null
  parser.on('opentag', tag => {
    open.push(tag.name)
  })
  parser.on('closetag', tag => {
    open.pop()
    if (/^(?:\w+:)?(?:item|entry)$/i.test(tag.name)) whole = { end: parser.position, open: [...open] }
  })
  parser.on('error', error => {
    const reason = error.message.replace(/^\d+:\d+: /, '')
    if (HARMLESS.test(reason)) return
    wreck = { line: parser.line, column: parser.column, reason }
    throw new Broken(reason)
  })
  try {
    parser.write(text).close()
  } catch (error) {
    if (!(error instanceof Broken)) throw error
  }
  return wreckOf(text, wreck, whole)
}

function wreckOf(
  text: string,
  wreck: Omit<Wreck, 'text'> | null,
  whole: { end: number; open: readonly string[] } | null,
): Wreck | null {
  if (wreck === null) return null
  if (whole === null) return { ...wreck, text: null }
  const endTags = whole.open.toReversed().map(name => `</${name}>`)
  return { ...wreck, text: text.slice(0, whole.end) + endTags.join('') }
}
