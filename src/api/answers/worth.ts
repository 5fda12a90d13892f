/** Keys that are remembered, twice. */
const AT_MOST = 5_000
/** Of these a client can make as many as it likes. */
const ENDLESS = /[?&](cursor|since|until|q)=/

/** Which answers are worth sharing: first pages, and of those that hardly anybody asks for twice the ones that were. */
export class Worth {
  private lately = new Set<string>()
  private before = new Set<string>()

  /** Notes that it is asked for. */
  of(key: string, cacheKey: string): boolean {
    if (!ENDLESS.test(key)) return true
    if (this.lately.has(cacheKey) || this.before.has(cacheKey)) return true
    if (this.lately.size >= AT_MOST) {
      this.before = this.lately
      this.lately = new Set()
    }
    this.lately.add(cacheKey)
    return false
  }
}
