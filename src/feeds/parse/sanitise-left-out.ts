/** Elements whose content is text to a browser, whatever it looks like: without an end tag, that is all the rest. */
const RAW_TEXT = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes', 'noscript'])

/**
 * Keeps count of where an element that is left out with its content ends: at its own end tag or, where they do not match, at the last one of
 * its name. Of an element that never ends, only the tag is left out, unless its content is raw text and `isLenient` is false.
 */
export class LeftOut {
  private name: string | null = null
  private depth = 0
  private readonly lastEnds = new Map<string, number>()

  constructor(
    private readonly html: string,
    private readonly isLenient: boolean,
  ) {}

  /** True while what is read is inside. */
  get isOpen(): boolean {
    return this.name !== null
  }

  /** A start tag, outside, of an element to leave out; `at` is a position in it. */
  enter(name: string, at: number): void {
    const neverEnds = this.lastEndOf(name) < at
    if (neverEnds && (this.isLenient || !RAW_TEXT.has(name))) return
    this.name = name
    this.depth = 1
  }

  /** A start tag inside. */
  open(name: string): void {
    if (name === this.name && !RAW_TEXT.has(name)) this.depth++
  }

  /** An end tag inside; `at` is a position in it. */
  close(name: string, at: number): void {
    if (name !== this.name) return
    this.depth--
    if (this.depth === 0 || at >= this.lastEndOf(name)) this.name = null
  }

  /** Where the last end tag of that name begins, or -1. */
  private lastEndOf(name: string): number {
    let last = this.lastEnds.get(name)
    if (last === undefined) {
      last = -1
      for (const tag of this.html.matchAll(new RegExp(`</${name}(?=[\\s>])`, 'gi'))) last = tag.index
      this.lastEnds.set(name, last)
    }
    return last
  }
}
