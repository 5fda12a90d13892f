import type { FeedFormat } from '../document.js'
import { type DeclaredEntities, expandReferences } from './entities.js'
import { Flow } from './flow.js'
import { bounded, MAX_POSTS } from './limits.js'
import { attributesOf, type Markup, markupOf } from './markup.js'
import { attributeName, canonicalName, rootName, rootScope, type Scope, scopeWith } from './namespaces.js'
import { entryDates, isAscending } from './newest.js'
import { CONTAINERS, ENTRY_FIELDS, FRAMES, HEADINGS, HEADINGS_END } from './outline.js'
import type { Kept } from './published.js'

/** An element as xml2js gives it: attributes under `$`, text under `_`, children in lists under their names. */
export type XmlNode = Record<string, unknown>

/** Where and how the structure of a document first goes wrong. */
export interface Break {
  /** Position in the text, in UTF-16 code units. */
  readonly at: number
  readonly reason: string
}

export interface TolerantReading {
  readonly root: XmlNode
  /** Null when elements open and close as they should. */
  readonly broken: Break | null
  /** Entries that were left out because they are cut off, or because nothing is left that tells which they are. */
  readonly dropped: number
  /** Entries beyond `MAX_POSTS`, which are not in the tree. */
  readonly beyond: number
  /** Which of more than `MAX_POSTS` entries are in the tree: the last ones when the newest stand at the end. */
  readonly keptEnd: Kept
}

export interface TolerantOptions {
  readonly start: number
  readonly format: FeedFormat | null
  readonly entities: DeclaredEntities
  /** True for a document that is known to be broken: elements of an entry then end what was left open before them. */
  readonly mend: boolean
}

interface Frame {
  /** As written, in lower case: what its end tag must be. */
  readonly tag: string
  readonly name: string
  readonly scope: Scope
  readonly node: XmlNode
  readonly flow: Flow
  readonly isEntry: boolean
  /** Elements of its own name that are open inside its text. */
  nested: number
  children: number
  isHurt: boolean
}

const MAX_DEPTH = 32
const MAX_NAME_CHARS = 40
/** Elements that are kept of one element, entries aside. */
const MAX_CHILDREN = 1_000

/**
 * Reads XML as far as it can be understood: any prefixes and case, undeclared entities and namespaces, XHTML in its order, HTML that is not escaped, entries
 * before and after one that is broken. Nothing is refused; what is kept is bounded, and the time is in
 * proportion to the length of the text.
 */
export function readTolerantly(text: string, options: TolerantOptions): TolerantReading {
  const reader = new TolerantReader(options)
  for (const part of markupOf(text, options.start)) {
    reader.take(part)
    if (reader.isDone) break
  }
  return reader.end(text.length)
}

class TolerantReader {
  isDone = false
  private readonly document: XmlNode = Object.create(null)
  private readonly frames: Frame[] = []
  private broken: Break | null = null
  private dropped = 0
  private kept = 0
  private beyond = 0
  private rootName = ''
  /** Null until there are too many entries to keep all. */
  private isAscending: boolean | null = null

  constructor(private readonly options: TolerantOptions) {}

  take(part: Markup): void {
    const top = this.frames.at(-1)
    switch (part.kind) {
      case 'text':
        top?.flow.text(part.text)
        break
      case 'cdata':
        top?.flow.literal(part.text)
        break
      case 'stray':
        this.breakAt(part.start, 'a "<" that begins no tag')
        top?.flow.literal('<')
        break
      case 'open':
        this.open(part)
        break
      case 'close':
        this.close(part.name, part.start)
        break
      case 'unclosed':
        this.breakAt(part.start, `a ${part.what} that does not end`)
    }
  }

  end(length: number): TolerantReading {
    if (!this.isDone) this.breakAt(length, `the document ends inside <${told(this.frames.at(-1)?.name ?? '')}>`)
    while (this.frames.length > 0) this.pop(true)
    const [root] = (this.document[this.rootName] ?? []) as (XmlNode | string)[]
    return {
      root: typeof root === 'object' ? root : {},
      broken: this.broken,
      dropped: this.dropped,
      beyond: this.beyond,
      keptEnd: this.isAscending ? 'last' : 'first',
    }
  }

  private open(part: Markup & { kind: 'open' }): void {
    const around = this.frames.at(-1)
    if (!this.options.mend && around !== undefined && !CONTAINERS.has(around.name)) {
      openInText(around, part)
      return
    }
    const attributes = attributesOf(part.attributes)
    const outer = around?.scope ?? rootScope(part.name, this.options.format)
    const scope = attributes.size === 0 ? outer : scopeWith(outer, attributes, around === undefined)
    const name =
      around === undefined ? rootName(part.name, this.options.format) : canonicalName(part.name, scope, this.options.format)
    const isEntry = name === 'item' || name === 'entry'
    this.endBefore(name, isEntry, part.start)
    const top = this.frames.at(-1)
    if (top !== undefined && !CONTAINERS.has(top.name)) {
      openInText(top, part)
      return
    }
    if (top === undefined) this.rootName = name
    this.frames.push(this.frameOf(part.name, name, attributes, scope, isEntry))
    if (part.isEmpty || this.frames.length > MAX_DEPTH) this.pop(false)
  }

  private frameOf(tag: string, name: string, written: ReadonlyMap<string, string>, scope: Scope, isEntry: boolean): Frame {
    const node: XmlNode = Object.create(null)
    const attributes: Record<string, string> = Object.create(null)
    for (const [key, value] of written) {
      if (!key.startsWith('xmlns')) attributes[attributeName(key, scope)] = expandReferences(value, this.options.entities)
    }
    if (written.size > 0) node.$ = attributes
    const flow = new Flow(isXhtml(name, attributes), this.options.entities)
    return { tag: tag.toLowerCase(), name, scope, node, flow, isEntry, nested: 0, children: 0, isHurt: false }
  }

  /** In a broken document, ends what was left open before an entry, or before an element of an entry. */
  private endBefore(name: string, isEntry: boolean, at: number): void {
    const top = this.frames.at(-1)
    if (!this.options.mend || top === undefined) return
    if (isEntry) {
      const entry = this.frames.findIndex(frame => frame.isEntry)
      const text = CONTAINERS.has(top.name) ? -1 : this.frames.length - 1
      const from = entry >= 0 ? entry : text
      if (from < 0) return
      this.breakAt(at, `<${told(top.name)}> is not closed`)
      while (this.frames.length > from) this.pop(false)
    } else if (!CONTAINERS.has(top.name) && (HEADINGS.has(top.name) ? HEADINGS_END : ENTRY_FIELDS).has(name)) {
      this.breakAt(at, `<${told(top.name)}> is not closed`)
      this.pop(false)
    }
  }

  private close(name: string, at: number): void {
    const top = this.frames.at(-1)
    if (top === undefined) return
    const tag = name.toLowerCase()
    if (tag === top.tag && top.nested === 0) {
      if (!CONTAINERS.has(top.name) && !top.flow.isBalanced)
        this.breakAt(at, `<${told(top.name)}> ends with a tag open inside it`)
      this.pop(false)
      return
    }
    const isText = !CONTAINERS.has(top.name)
    const index = this.frames.findLastIndex(frame => frame.tag === tag && frame !== top && (!isText || FRAMES.has(frame.name)))
    if (index >= 0) {
      this.breakAt(at, `</${told(name)}> where </${told(top.name)}> belongs`)
      while (this.frames.length > index) this.pop(false)
    } else if (isText) {
      if (tag === top.tag) top.nested--
      if (!top.flow.closeTag(name)) this.breakAt(at, `</${told(name)}> closes nothing`)
    } else this.breakAt(at, `</${told(name)}> closes nothing`)
  }

  /** Ends the innermost element and gives it to the one around it. */
  private pop(isCutOff: boolean): void {
    const frame = this.frames.pop()
    if (frame === undefined) return
    const parent = this.frames.at(-1)
    if (parent === undefined) this.isDone = true
    if (parent !== undefined && frame.isHurt) parent.isHurt = true
    if (frame.isEntry ? this.isWanted(frame, parent, isCutOff) : parent === undefined || parent.children++ < MAX_CHILDREN) {
      give(frame, parent?.node ?? this.document)
    }
  }

  /** Counts the entry. */
  private isWanted(entry: Frame, parent: Frame | undefined, isCutOff: boolean): boolean {
    if (isCutOff || (entry.isHurt && !isKnown(entry.node))) {
      this.dropped++
      return false
    }
    if (this.kept >= MAX_POSTS) {
      this.beyond++
      return this.takesPlace(parent?.node[entry.name])
    }
    this.kept++
    return true
  }

  /** Where the newest entries stand at the end, one more takes the place of the oldest. */
  private takesPlace(siblings: unknown): boolean {
    if (!Array.isArray(siblings) || siblings.length < MAX_POSTS) return false
    this.isAscending ??= isAscending(siblings.map(entryDates))
    if (this.isAscending) siblings.shift()
    return this.isAscending
  }

  private breakAt(at: number, reason: string): void {
    this.broken ??= { at, reason }
    const top = this.frames.at(-1)
    if (top !== undefined) top.isHurt = true
  }
}

/** Adds an element to the one around it: as its text when it is nothing more. */
function give({ name, node, flow }: Frame, parent: XmlNode): void {
  const text = flow.toString()
  if (flow.base !== null) node.$ = { 'xml:base': flow.base, ...(node.$ as object | undefined) }
  const isBare = Object.keys(node).length === 0
  if (!isBare && text.trim() !== '') node._ = text
  const siblings = parent[name]
  const value = isBare ? text : node
  if (Array.isArray(siblings)) siblings.push(value)
  else parent[name] = [value]
}

/** The name of an element, short enough to be told. */
function told(name: string): string {
  return bounded(name, MAX_NAME_CHARS)
}

function openInText(frame: Frame, part: Markup & { kind: 'open' }): void {
  frame.flow.openTag(part.name, part.attributes, part.isEmpty)
  if (!part.isEmpty && part.name.toLowerCase() === frame.tag) frame.nested++
}

/** False for an entry of which too little is left: kept, it would come again under another name once its publisher mends it. */
function isKnown(node: XmlNode): boolean {
  return (
    ['guid', 'id', 'link', 'feedburner:origLink'].some(name => node[name] !== undefined) ||
    Object.hasOwn(Object(node.$), 'rdf:about')
  )
}

function isXhtml(name: string, attributes: Readonly<Record<string, string>>): boolean {
  const type = attributes.type?.trim().toLowerCase() ?? ''
  if (name === 'xhtml:body' || type === 'xhtml' || type === 'application/xhtml+xml') return true
  return attributes.mode === 'xml' && /html/.test(type)
}
