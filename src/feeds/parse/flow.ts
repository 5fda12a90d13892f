import { type DeclaredEntities, escapeAttribute, expandReferences } from './entities.js'
import { attributesOf } from './markup.js'
import { VOID_ELEMENTS } from './outline.js'
import { escapeHtml } from './sanitise.js'

/** More than what any text is cut to afterwards; bounds the memory of a document that is one text. */
const MAX_CHARS = 1_000_000
/** Of the references that a whole text may be made of (`&lt;`): so much longer than the text it may be as written. */
const MAX_REFERENCE_CHARS = 4
const MAX_OPEN = 1_000

/**
 * The content of an element that holds text: as one string, in order, whatever markup stands in it. Text is kept as it reads when the publisher escaped his
 * HTML, and escaped again when its tags are elements of the document (XHTML).
 */
export class Flow {
  private readonly parts: string[] = []
  private room = MAX_CHARS
  /** Tags that are open; null once they do not match. */
  private open: string[] | null = []
  /** The `xml:base` of the first element inside. */
  base: string | null = null

  constructor(
    private readonly isXhtml: boolean,
    private readonly entities: DeclaredEntities,
  ) {}

  /** False when tags in it are not closed as they should be. */
  get isBalanced(): boolean {
    return this.open?.length === 0
  }

  text(raw: string): void {
    this.literal(expandReferences(raw.slice(0, this.room * MAX_REFERENCE_CHARS), this.entities))
  }

  literal(text: string): void {
    if (this.room <= 0) return
    const kept = text.slice(0, this.room)
    this.add(this.isXhtml ? escapeHtml(kept) : kept)
  }

  openTag(name: string, attributes: string, isEmpty: boolean): void {
    if (!isEmpty && this.open !== null && this.open.push(name) > MAX_OPEN) this.open = null
    if (this.room <= 0) return
    const local = localName(name)
    let tag = `<${local}`
    for (const [key, value] of attributesOf(attributes)) {
      if (key === 'xml:base' && this.parts.every(part => part.trim() === '')) this.base = value
      if (!key.startsWith('xml')) tag += ` ${key}="${escapeAttribute(expandReferences(value, this.entities))}"`
    }
    this.add(isEmpty && !VOID_ELEMENTS.has(local.toLowerCase()) ? `${tag}></${local}>` : `${tag}>`)
  }

  /** False when this is not the tag that is open, for the first time. */
  closeTag(name: string): boolean {
    this.add(`</${localName(name)}>`)
    if (this.open === null) return true
    if (this.open.pop() === name) return true
    this.open = null
    return false
  }

  private add(part: string): void {
    if (this.room <= 0) return
    this.room -= part.length
    this.parts.push(part)
  }

  toString(): string {
    return this.parts.join('')
  }
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1)
}
