import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2'
import { LeftOut } from './sanitise-left-out.js'

/** Attributes by lower-case name, as they are written: character references are not decoded. The first of a name counts. */
export type RawAttributes = ReadonlyMap<string, string>

/** Is told the pieces of an HTML text in their order. */
export interface MarkupReader {
  /** Character references are not decoded. */
  text(raw: string): void
  /** The attributes of this tag that `open` is to be told; null for none. */
  wanted(name: string): ReadonlySet<string> | null
  /** The attributes are good until it returns. `skip` passes over everything up to the matching end tag, which is not told. */
  open(name: string, attributes: RawAttributes): 'read' | 'skip'
  close(name: string): void
}

/**
 * Reads HTML in one pass, without recursion and in time linear in its length. Comments, declarations, and a tag that does not end are left out;
 * `unfinished: 'text'` tells the latter as text.
 */
export function scanMarkup(html: string, reader: MarkupReader, unfinished: 'drop' | 'text' = 'drop'): void {
  const lastTag = unfinished === 'text' ? html.lastIndexOf('<') : -1
  const end = lastTag > html.lastIndexOf('>') ? lastTag : html.length
  const finished = html.slice(0, end)
  const tokenizer = new Tokenizer({ decodeEntities: false }, new Scan(finished, reader, unfinished === 'text'))
  tokenizer.write(finished)
  tokenizer.end()
  if (end < html.length) reader.text(html.slice(end))
}

class Scan implements TokenizerCallbacks {
  private readonly leftOut: LeftOut
  private readonly attributes = new Map<string, string>()
  private name = ''
  private wanted: ReadonlySet<string> | null = null
  private attribute: string | null = null

  constructor(
    private readonly html: string,
    private readonly reader: MarkupReader,
    isLenient: boolean,
  ) {
    this.leftOut = new LeftOut(html, isLenient)
  }

  ontext(start: number, end: number): void {
    if (!this.leftOut.isOpen) this.reader.text(this.html.slice(start, end))
  }

  onopentagname(start: number, end: number): void {
    this.name = this.nameAt(start, end)
    this.attributes.clear()
    this.wanted = this.leftOut.isOpen ? null : this.reader.wanted(this.name)
  }

  onattribname(start: number, end: number): void {
    this.attribute = null
    if (this.wanted === null) return
    const name = this.nameAt(start, end)
    if (!this.wanted.has(name) || this.attributes.has(name)) return
    this.attribute = name
    this.attributes.set(name, '')
  }

  onattribdata(start: number, end: number): void {
    if (this.attribute !== null) this.attributes.set(this.attribute, this.html.slice(start, end))
  }

  onopentagend(end: number): void {
    if (this.leftOut.isOpen) this.leftOut.open(this.name)
    else if (this.reader.open(this.name, this.attributes) === 'skip') this.leftOut.enter(this.name, end)
  }

  /** `<script src="x" />`, in what was XHTML, is empty. */
  onselfclosingtag(): void {
    if (!this.leftOut.isOpen) this.reader.open(this.name, this.attributes)
  }

  onclosetag(start: number, end: number): void {
    const name = this.nameAt(start, end)
    if (this.leftOut.isOpen) this.leftOut.close(name, start)
    else this.reader.close(name)
  }

  ontextentity(): void {}
  onattribentity(): void {}
  onattribend(): void {}
  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  private nameAt(start: number, end: number): string {
    return this.html.slice(start, end).toLowerCase()
  }
}
