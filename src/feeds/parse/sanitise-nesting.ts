import { type QuoteType, Tokenizer, type TokenizerCallbacks } from 'htmlparser2'
import { LeftOut } from './sanitise-left-out.js'
import { ELEMENTS, type Element, LEFT_OUT, VOID } from './sanitise-policy.js'
import { withoutControls } from './sanitise-references.js'
import type { SafeTags } from './sanitise-tags.js'

export const MAX_NESTING = 200

/** Ends of elements outside a table do not reach into its cells, nor the other way round. */
const WALLS: ReadonlySet<string> = new Set(['table', 'td', 'th', 'caption'])
const TABLE_ONLY: ReadonlySet<string> = new Set(['table'])
const NONE: ReadonlySet<string> = new Set()

interface Opened {
  readonly element: Element
  /** Where its own name stands in the text. */
  readonly start: number
  readonly end: number
}

export interface NestingOptions {
  /** All of the text; it is written to the tokenizer in one piece. */
  readonly html: string
  readonly tags: SafeTags
}

/**
 * The tokenizer of htmlparser2, for sanitize-html: its parser is told only of elements that may be written, of their attributes that are looked at, and of ends
 * that match, also those that HTML lets out. So what is written is nested as it reads, also when it is read again, and no deeper than `MAX_NESTING`. What is safe is
 * not decided here: everything that is told is judged by sanitize-html.
 */
export class NestingTokenizer extends Tokenizer {
  constructor(options: { decodeEntities?: boolean; nesting: NestingOptions }, parser: TokenizerCallbacks) {
    super(options, new Nesting(options.nesting, parser))
  }
}

class Nesting implements TokenizerCallbacks {
  private readonly html: string
  private readonly tags: SafeTags
  private readonly leftOut: LeftOut
  private readonly opened: Opened[] = []
  private tables = 0
  private links = 0
  /** Of the tag that is being read: its name as written in the text, and where that stands. */
  private given = ''
  private start = 0
  private end = 0
  /** Null when the parser is not told of the tag. */
  private element: Element | null = null
  private isWanted = false

  constructor(
    options: NestingOptions,
    private readonly parser: TokenizerCallbacks,
  ) {
    this.html = options.html
    this.tags = options.tags
    this.leftOut = new LeftOut(options.html, false)
  }

  ontext(start: number, end: number): void {
    if (!this.leftOut.isOpen) this.parser.ontext(start, end)
  }

  ontextentity(codepoint: number, end: number): void {
    if (!this.leftOut.isOpen && isSeen(codepoint)) this.parser.ontextentity(codepoint, end)
  }

  onopentagname(start: number, end: number): void {
    this.given = this.nameAt(start, end)
    this.start = start
    this.end = end
    this.element = this.leftOut.isOpen ? null : this.placed(this.given)
    if (this.element !== null) this.parser.onopentagname(start, end)
  }

  onattribname(start: number, end: number): void {
    const lookedAt = this.element?.lookedAt ?? null
    this.isWanted = lookedAt?.has(this.nameAt(start, end)) === true
    if (this.isWanted) this.parser.onattribname(start, end)
  }

  onattribdata(start: number, end: number): void {
    if (this.isWanted) this.parser.onattribdata(start, end)
  }

  onattribentity(codepoint: number): void {
    if (this.isWanted && isSeen(codepoint)) this.parser.onattribentity(codepoint)
  }

  onattribend(quote: QuoteType, end: number): void {
    if (this.isWanted) this.parser.onattribend(quote, end)
  }

  onopentagend(end: number): void {
    this.opens(end)
    if (this.leftOut.isOpen) this.leftOut.open(this.given)
    else if (LEFT_OUT.has(this.given)) this.leftOut.enter(this.given, end)
  }

  /** `<script src="x" />`, in what was XHTML, is empty. */
  onselfclosingtag(end: number): void {
    this.opens(end)
  }

  onclosetag(start: number, end: number): void {
    const given = this.nameAt(start, end)
    if (this.leftOut.isOpen) {
      this.leftOut.close(given, start)
      return
    }
    const closed = ELEMENTS.get(given)
    if (closed === undefined) return
    if (closed.isVoid) {
      if (given === 'br') this.breakLine(closed, start, end)
      return
    }
    const { name } = closed
    const walls = closed.isPartOfTable ? TABLE_ONLY : name === 'table' ? NONE : WALLS
    for (let index = this.opened.length - 1; index >= 0; index--) {
      const open = this.opened[index]?.element.name ?? ''
      if (open === name) this.closeDownTo(index)
      if (open === name || walls.has(open)) return
    }
  }

  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}

  onend(): void {
    this.parser.onend()
  }

  /** What is written for a start tag, when it may stand here; what it ends is then ended. A link inside a link would end it somewhere else in each browser. */
  private placed(given: string): Element | null {
    const element = ELEMENTS.get(given)
    if (element === undefined) return null
    const { name, ends } = element
    const above = this.top
    if (name === 'source') return above?.isPlayer === true ? element : null
    if (element.isPartOfTable && this.tables === 0) return null
    if (name === 'a' && this.links > 0 && above?.name !== 'a') return null
    if (ends !== null) while (ends.has(this.top?.name ?? '')) this.closeDownTo(this.opened.length - 1)
    return this.opened.length < MAX_NESTING || element.isVoid ? element : null
  }

  private opens(tagEnd: number): void {
    const { element } = this
    if (element === null) return
    this.tags.element = element
    if (element.isPlayer) this.tags.expectSource(this.html, tagEnd + 1)
    const isFrame = element.name === 'iframe'
    if (isFrame) this.tags.isInLink = this.links > 0
    this.parser.onopentagend(tagEnd)
    if (element.isVoid && VOID.has(this.given)) return
    if (isFrame || element.isVoid || !this.tags.isWritten) {
      this.parser.onclosetag(this.start, this.end)
      return
    }
    this.opened.push({ element, start: this.start, end: this.end })
    this.count(element.name, 1)
  }

  /** The parser makes a break of `</br>`, as browsers do. */
  private breakLine(element: Element, start: number, end: number): void {
    this.tags.element = element
    this.parser.onclosetag(start, end)
  }

  private closeDownTo(depth: number): void {
    while (this.opened.length > depth) {
      const { element, start, end } = this.opened.pop() as Opened
      this.parser.onclosetag(start, end)
      this.count(element.name, -1)
    }
  }

  private count(name: string, change: 1 | -1): void {
    if (name === 'table') this.tables += change
    else if (name === 'a') this.links += change
  }

  private get top(): Element | undefined {
    return this.opened[this.opened.length - 1]?.element
  }

  private nameAt(start: number, end: number): string {
    return this.html.slice(start, end).toLowerCase()
  }
}

function isSeen(codepoint: number): boolean {
  return codepoint >= 0xa0 || withoutControls(String.fromCharCode(codepoint)) !== ''
}
