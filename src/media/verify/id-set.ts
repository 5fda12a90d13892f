const FIRST_BYTES = 1024

/** Ids of rows, a bit for each up to the largest: a million take 125 kB. */
export class IdSet {
  private bits = new Uint8Array(FIRST_BYTES)

  add(id: number): void {
    const at = id >>> 3
    if (at >= this.bits.length) {
      const grown = new Uint8Array(Math.max(at + 1, this.bits.length * 2))
      grown.set(this.bits)
      this.bits = grown
    }
    this.bits[at] = (this.bits[at] ?? 0) | (1 << (id & 7))
  }

  has(id: number): boolean {
    return ((this.bits[id >>> 3] ?? 0) & (1 << (id & 7))) !== 0
  }
}
