import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, steady } from '../../kernel/clock.js'
import { wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { Catalog } from '../../tenants/catalog.js'
import { type ContentChange, changedContent } from '../../tenants/content-version.js'
import type { Known, KnownTenants } from '../known.js'

const LOOK_EVERY_MS = 1_000
const CLOSE_MS = 500

/**
 * Looks once a second for tenants that changed: one statement, and none while no tenant is known. A catalog that is away is asked again and again, and what is
 * kept stays.
 */
export class ContentWatch {
  private readonly end = new AbortController()
  private readonly looking: Promise<void>
  private lastLook: number

  constructor(
    private readonly catalog: Catalog,
    private readonly known: KnownTenants,
    private readonly log: Log,
    private readonly everyMs = LOOK_EVERY_MS,
    private readonly now: Clock = steady,
  ) {
    this.lastLook = now()
    this.looking = this.run()
  }

  /** By the steady clock: all that was told before this was heard of. */
  get heardAt(): number {
    return this.lastLook
  }

  async close(): Promise<void> {
    this.end.abort()
    // A database that is silent must not hold up the end.
    await Promise.race([this.looking, pause(CLOSE_MS, null, { ref: false })])
  }

  private async run(): Promise<void> {
    let failed = false
    while (await this.rest()) {
      try {
        await this.look()
        failed = false
      } catch (error) {
        if (!failed) this.log.warn('changes of tenants are not heard of for now', { why: wordsOf(error) })
        failed = true
      }
    }
  }

  private async look(): Promise<void> {
    const begun = this.now()
    if (this.known.size > 0) {
      for (const change of await changedContent(this.catalog, begun - this.lastLook)) this.hear(change)
      for (const known of this.known.all()) if (known.changedAt !== null && known.changedAt < begun) known.changedAt = null
    }
    this.lastLook = begun
  }

  private hear({ id, version, state, tokenHash, host, database }: ContentChange): void {
    const known = this.known.numbered(id)
    if (known === undefined) return
    known.hear(version, this.now())
    if (state !== 'active' && state !== 'suspended') this.known.drop(known)
    else if (tokenHash !== known.tokenHash || state !== known.tenant.state) this.known.forgetToken(known)
    else if (host !== known.tenant.placement.host || database !== known.tenant.placement.database) this.known.forgetToken(known)
  }

  /** False when it is over. Processes that were started together do not ask together. */
  private async rest(): Promise<boolean> {
    const ms = this.everyMs * (0.9 + 0.2 * Math.random())
    await pause(ms, null, { signal: this.end.signal, ref: false }).catch(() => {})
    return !this.end.signal.aborted
  }
}

/** Something of the tenant was changed here: what is kept counts no more, and nobody else's word does until the catalog was asked again. */
export function noteOwnChange(known: Known, now: number): void {
  known.generation++
  known.changedAt = now
  known.changedBy = now
}
