/**
 * Bytes kept for a while under a key, shared as far as the driver reaches: this process (memory) or every process (redis).
 * A cache may forget anything at any time; what cannot be had again does not belong here.
 */
export interface Cache {
  readonly name: 'memory' | 'redis' | 'layered'
  /** Null when there is nothing under the key, or no longer. @throws {Failure} UNAVAILABLE */
  get(key: string): Promise<Uint8Array | null>
  /** Replaces what was there. The bytes must not be changed afterwards. @throws {Failure} UNAVAILABLE, keeping nothing */
  put(key: string, bytes: Uint8Array, ttlS: number): Promise<void>
  /** Calm when there is nothing. @throws {Failure} UNAVAILABLE */
  delete(key: string): Promise<void>
  close(): Promise<void>
}
