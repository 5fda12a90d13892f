import type { Cache } from './driver.js'

/** A small cache of this process in front of one that all processes share. Only for values that never change under their key:
 * what the far cache refuses stays near, and is refused all the same. */
export class LayeredCache implements Cache {
  readonly name = 'layered'

  constructor(
    private readonly near: Cache,
    private readonly far: Cache,
    private readonly nearTtlS: number,
  ) {}

  async get(key: string): Promise<Uint8Array | null> {
    const near = await this.near.get(key)
    if (near !== null) return near
    const far = await this.far.get(key)
    if (far !== null) await this.near.put(key, far, this.nearTtlS)
    return far
  }

  async put(key: string, bytes: Uint8Array, ttlS: number): Promise<void> {
    // Near first: what the far cache refuses is then at least shared within this process.
    await this.near.put(key, bytes, Math.min(ttlS, this.nearTtlS))
    await this.far.put(key, bytes, ttlS)
  }

  async delete(key: string): Promise<void> {
    await this.near.delete(key)
    await this.far.delete(key)
  }

  async close(): Promise<void> {
    await this.near.close()
    await this.far.close()
  }
}
