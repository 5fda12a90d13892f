const SPACE = /[ \t\n\r]*/y
const ATOM = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

const MAX_DEPTH = 500
/** Objects and arrays: each takes memory, however short it is. */
const MAX_BRACKETS = 1_000_000

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end'

/** What a look at the tokens of a JSON Feed tells, before any memory is spent on its values. Positions are in UTF-16 code units. */
export interface JsonOutline {
  /** Where it stops being JSON, is nested too deep or holds too much; null when it does not. */
  readonly broken: { readonly at: number; readonly reason: string } | null
  /** Elements of its `items`. */
  readonly items: number
  /** Where those of the items stand that are too many; null when there are none. */
  readonly surplus: Span | null
  /** The same when the last items are the ones to keep. */
  readonly early: Span | null
}

export interface Span {
  readonly from: number
  readonly to: number
}

export function jsonOutline(text: string, maxItems: number): JsonOutline {
  return new OutlineReader(text, maxItems).read()
}

class OutlineReader {
  private readonly open: string[] = []
  private expected: Expected = 'value'
  private brackets = 0
  private key = ''
  private items = 0
  private inItems = false
  private surplusFrom: number | null = null
  private surplus: Span | null = null
  private itemsFrom = 0
  /** Where the last items end, by their number modulo `maxItems`. */
  private readonly ends: number[] = []
  private early: Span | null = null

  constructor(
    private readonly text: string,
    private readonly maxItems: number,
  ) {}

  read(): JsonOutline {
    const broken = this.scan()
    return { broken, items: this.items, surplus: this.surplus, early: this.early }
  }

  private scan(): JsonOutline['broken'] {
    const { text } = this
    for (let at = 0; ; ) {
      at = matchEnd(SPACE, text, at) ?? at
      if (at >= text.length && this.expected === ', or end' && this.open.length === 0) return null
      const mark = text.charAt(at)
      const end = mark === '"' ? stringEnd(text, at) : '{}[],:'.includes(mark) && mark !== '' ? at + 1 : matchEnd(ATOM, text, at)
      if (end === null) return this.brokenAt(at)
      if (typeof end === 'object') return this.brokenAt(end.brokenAt)
      if (mark === '"' && this.open.length === 1 && this.expected.startsWith('key'))
        this.key = text.slice(at, Math.min(end, at + 10))
      if (!this.step(mark, at)) return this.brokenAt(at)
      if (this.open.length > MAX_DEPTH) return { at, reason: `values are nested more than ${MAX_DEPTH} deep` }
      if (this.brackets > MAX_BRACKETS) return { at, reason: `it holds more than ${MAX_BRACKETS} objects and lists` }
      at = end
    }
  }

  private brokenAt(at: number): JsonOutline['broken'] {
    const isEnd = at >= this.text.length
    return { at, reason: isEnd ? 'it ends too early' : `${JSON.stringify(this.text.charAt(at))} does not belong there` }
  }

  /** False when a token that begins with that character cannot stand there. */
  private step(mark: string, at: number): boolean {
    const { expected, open } = this
    const inner = open.at(-1)
    const mayEnd = expected === ', or end' || expected === 'value or ]' || expected === 'key or }'
    if (expected === ':' || (expected === ', or end' && mark === ',' && inner !== undefined)) {
      if (expected === ':' && mark !== ':') return false
      this.expected = expected === ':' || inner === '[' ? 'value' : 'key'
      if (mark === ',') this.ended(at)
    } else if (mayEnd && inner !== undefined && mark === (inner === '{' ? '}' : ']')) {
      if (expected === ', or end') this.ended(null)
      open.pop()
      if (open.length === 1) this.endItems(at)
      this.expected = ', or end'
    } else if (expected === ', or end') return false
    else if (expected.startsWith('key')) {
      if (mark !== '"') return false
      this.expected = ':'
    } else if (mark === '{' || mark === '[') this.begin(mark, at)
    else if ('}],:'.includes(mark)) return false
    else this.expected = ', or end'
    return true
  }

  private begin(mark: string, at: number): void {
    const isSurplus = this.inItems && this.surplusFrom !== null && this.surplus === null
    if (!isSurplus) this.brackets++
    if (mark === '[' && this.open.length === 1 && this.key === '"items"') {
      this.inItems = true
      this.itemsFrom = at + 1
    }
    this.open.push(mark)
    this.expected = mark === '{' ? 'key or }' : 'value or ]'
  }

  /** An element of the innermost list or object ended, at a comma when `at` is not null. */
  private ended(at: number | null): void {
    if (!this.inItems || this.open.length !== 2) return
    this.items++
    if (at === null) return
    if (this.items === this.maxItems) this.surplusFrom = at
    this.ends[this.items % this.maxItems] = at
  }

  private endItems(at: number): void {
    if (this.inItems && this.surplusFrom !== null && this.surplus === null) {
      this.surplus = { from: this.surplusFrom, to: at }
      this.early = { from: this.itemsFrom, to: (this.ends[this.items % this.maxItems] ?? this.itemsFrom - 1) + 1 }
    }
    this.inItems = false
  }
}

function stringEnd(text: string, start: number): number | { brokenAt: number } {
  let at = start + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code < 0x20) return { brokenAt: at }
    if (code !== 0x5c) at++
    else {
      const end = matchEnd(ESCAPE, text, at)
      if (end === null) return { brokenAt: at }
      at = end
    }
  }
  return { brokenAt: at }
}

function matchEnd(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : null
}
