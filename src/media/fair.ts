/** What a tenant may send more in each round. */
const QUANTUM_BYTES = 1024 * 1024
/** A request costs something, however small its file. */
const LEAST_BYTES = 16 * 1024

/**
 * Whose file is next, so that tenants get equal bytes: deficit round robin (Shreedhar and Varghese, 1995). A tenant with few files
 * waits for a round, however many files the others have, and however large they are.
 */
export class FairTurns<Tenant> {
  /** In the order of their turns, with the bytes that each may still send. */
  private readonly ring = new Map<Tenant, number>()

  get size(): number {
    return this.ring.size
  }

  /** Puts the tenant at the end of the round; one that is in it already keeps its place. */
  add(tenant: Tenant): void {
    if (!this.ring.has(tenant)) this.ring.set(tenant, 0)
  }

  /**
   * The tenant whose next file is to be taken now; null when none has one. `nextBytes`: the size of the tenant's next file, null when it has none
   * now, and it leaves the round until it is added again.
   */
  next(nextBytes: (tenant: Tenant) => number | null): Tenant | null {
    let passed = 0
    let fewestRounds = Number.POSITIVE_INFINITY
    for (let front = this.front(); front !== null; front = this.front()) {
      const [tenant, allowed] = front
      const bytes = nextBytes(tenant)
      if (bytes === null) {
        this.ring.delete(tenant)
        continue
      }
      const missing = Math.max(bytes, LEAST_BYTES) - allowed
      if (missing <= 0) {
        this.ring.set(tenant, -missing)
        return tenant
      }
      this.ring.delete(tenant)
      this.ring.set(tenant, allowed + QUANTUM_BYTES)
      fewestRounds = Math.min(fewestRounds, Math.ceil(missing / QUANTUM_BYTES) - 1)
      if (++passed < this.ring.size) continue
      this.skipRounds(fewestRounds)
      passed = 0
      fewestRounds = Number.POSITIVE_INFINITY
    }
    return null
  }

  /** Rounds in which nobody could send, at once: a file of terabytes takes a million. */
  private skipRounds(rounds: number): void {
    for (const [tenant, allowed] of this.ring) this.ring.set(tenant, allowed + rounds * QUANTUM_BYTES)
  }

  private front(): readonly [Tenant, number] | null {
    return this.ring.entries().next().value ?? null
  }
}
