import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2'

const LINKING: ReadonlySet<string> = new Set(['base', 'link', 'a'])

export interface LinkingTag {
  readonly name: 'base' | 'link' | 'a'
  /** Character references decoded. Null when it has none, or an empty one. */
  readonly href: string | null
  /** Lower case. */
  readonly rel: string
  readonly type: string
}

/** The tags of an HTML page that lead elsewhere, in its order. By the tokenizer alone: a parser's time grows with the square of the nesting. */
export function linkingTags(html: string): LinkingTag[] {
  const reader = new LinkReader(html)
  const tokenizer = new Tokenizer({ xmlMode: false, decodeEntities: true }, reader)
  tokenizer.write(html)
  tokenizer.end()
  return reader.tags
}

class LinkReader implements TokenizerCallbacks {
  readonly tags: LinkingTag[] = []
  private name = ''
  private attributes: Map<string, string> | null = null
  private attribute = ''
  private value = ''

  constructor(private readonly html: string) {}

  onopentagname(start: number, end: number): void {
    this.name = end - start > 4 ? '' : this.html.slice(start, end).toLowerCase()
    this.attributes = LINKING.has(this.name) ? new Map() : null
  }

  onattribname(start: number, end: number): void {
    if (this.attributes !== null) this.attribute = this.html.slice(start, end).toLowerCase()
    this.value = ''
  }

  onattribdata(start: number, end: number): void {
    if (this.attributes !== null) this.value += this.html.slice(start, end)
  }

  onattribentity(codepoint: number): void {
    if (this.attributes !== null) this.value += String.fromCodePoint(codepoint)
  }

  onattribend(): void {
    if (this.attributes !== null && !this.attributes.has(this.attribute)) this.attributes.set(this.attribute, this.value)
  }

  onopentagend(): void {
    if (this.attributes === null) return
    const value = (attribute: string) => (this.attributes?.get(attribute) ?? '').trim()
    const name = this.name as LinkingTag['name']
    this.tags.push({ name, href: value('href') || null, rel: value('rel').toLowerCase(), type: value('type').toLowerCase() })
    this.attributes = null
  }

  onselfclosingtag(): void {
    this.onopentagend()
  }

  oncdata(): void {}
  onclosetag(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onend(): void {}
  onprocessinginstruction(): void {}
  ontext(): void {}
  ontextentity(): void {}
}
