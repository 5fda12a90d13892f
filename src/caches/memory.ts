import type { Clock } from '../kernel/clock.js'
import type { Cache } from './driver.js'

interface Entry {
  readonly bytes: Uint8Array
  readonly expiresAt: number
}

/** Keeps the most recently used entries within a bound of bytes (keys and a fixed overhead counted). */
export class MemoryCache implements Cache {
  readonly name = 'memory'
  private readonly entries = new Map<string, Entry>()
  private heldBytes = 0

  constructor(
    private readonly maxBytes: number,
    private readonly now: Clock = Date.now,
  ) {}

  async get(key: string): Promise<Uint8Array | null> {
    const entry = this.entries.get(key)
    if (entry === undefined) return null
    this.forget(key, entry)
    if (entry.expiresAt <= this.now()) return null
    this.keep(key, entry)
    return entry.bytes
  }

  async put(key: string, bytes: Uint8Array, ttlS: number): Promise<void> {
    await this.delete(key)
    const entry = { bytes, expiresAt: this.now() + ttlS * 1000 }
    if (sizeOf(key, entry) > this.maxBytes) return
    this.keep(key, entry)
    for (const [oldest, old] of this.entries) {
      if (this.heldBytes <= this.maxBytes) break
      this.forget(oldest, old)
    }
  }

  async delete(key: string): Promise<void> {
    const entry = this.entries.get(key)
    if (entry !== undefined) this.forget(key, entry)
  }

  async close(): Promise<void> {
    this.entries.clear()
    this.heldBytes = 0
  }

  private keep(key: string, entry: Entry): void {
    this.entries.set(key, entry)
    this.heldBytes += sizeOf(key, entry)
  }

  private forget(key: string, entry: Entry): void {
    this.entries.delete(key)
    this.heldBytes -= sizeOf(key, entry)
  }
}

function sizeOf(key: string, entry: Entry): number {
  return entry.bytes.byteLength + key.length * 2 + 100
}
