import { Patience } from '../caches/index.js'
import type { TenantId } from '../tenants/ids.js'
import type { Tenant } from '../tenants/tenant.js'
import type { Bearer } from '../tenants/tokens.js'
import type { Entry, Flight } from './answers/entry.js'
import { Rounds } from './answers/rounds.js'
import type { Allowance } from './limits.js'

/** Whoever has something older to send waits this long for the tenant's database, and then for a second not at all. */
const DATABASE = { patienceMs: 1_000, awayMs: 1_000, what: 'the database' }
/** By so much less is believed of how long ago a tenant changed: the catalog's clock may have been set. */
const CLOCK_MS = 10_000
/** Tenants that are remembered. */
const AT_MOST = 20_000

/** A tenant that has asked this process something, and what is kept of it here. */
export class Known {
  /** Of its content, as far as this process has heard. */
  version: number
  /** Grows with everything that is heard of the tenant: what was built before counts no more. */
  generation = 0
  /** By the steady clock: since when something of it was changed here that the catalog has not confirmed yet; null when nothing was. */
  changedAt: number | null = null
  /** By the steady clock: nothing that is known of it was changed after this. */
  changedBy: number
  /** It is remembered no more: nothing is to be kept for it. */
  gone = false
  readonly entries = new Map<string, Entry>()
  /** Other spellings of the URLs of its entries. */
  readonly aliases = new Map<string, Entry>()
  readonly flights = new Map<string, Flight>()
  /** Which of its entries is looked at next when one is to go. */
  readonly rounds = new Rounds(() => this.entries.values())
  /** Of its entries. */
  bytes = 0
  used = true
  /** That bears its token, as this process spells it; null when the token is to be asked for. */
  header: string | null = null
  readonly database = new Patience(DATABASE)

  constructor(
    public tenant: Tenant,
    public tokenHash: string | null,
    version: number,
    /** By the steady clock: when the catalog last said so. */
    public checkedAt: number,
    readonly allowance: Allowance,
    changedAgoMs = 0,
  ) {
    this.version = version
    this.changedBy = checkedAt - Math.max(0, changedAgoMs - CLOCK_MS)
  }

  /** What is heard of the version; of a catalog that was restored from a backup it may be an older one. */
  hear(version: number, now: number): void {
    if (version === this.version) return
    this.version = version
    this.generation++
    this.changedBy = now
  }
}

/** The header that bears the token, in the one spelling under which it is remembered. */
export function bearerHeader(token: string): string {
  return `Bearer ${token}`
}

/** The tenants that have asked lately, by number and by the headers that bear their tokens, each in one spelling. */
export class KnownTenants {
  private readonly byHeader = new Map<string, Known>()
  private readonly byId = new Map<TenantId, Known>()

  constructor(
    private readonly allowanceOf: (tenantId: TenantId) => Allowance,
    private readonly onGone: (known: Known) => void,
    private readonly atMost = AT_MOST,
  ) {}

  get size(): number {
    return this.byId.size
  }

  bearing(header: string): Known | undefined {
    return this.byHeader.get(header)
  }

  numbered(id: TenantId): Known | undefined {
    return this.byId.get(id)
  }

  all(): Iterable<Known> {
    return this.byId.values()
  }

  /** Who bears the token that the header has, as the catalog has just said. `header` as `bearerHeader` spells it. */
  learn(header: string, { tenant, tokenHash, contentVersion, changedAgoMs }: Bearer, now: number): Known {
    let known = this.byId.get(tenant.id)
    // A number may be given again where a catalog was restored: nothing of the one is the other's.
    if (known !== undefined && known.tenant.createdAt !== tenant.createdAt) {
      this.drop(known)
      known = undefined
    }
    if (known === undefined) {
      this.makeRoom()
      known = new Known(tenant, tokenHash, contentVersion, now, this.allowanceOf(tenant.id), changedAgoMs)
      this.byId.set(tenant.id, known)
    }
    if (known.header !== header) this.forgetToken(known)
    known.tenant = tenant
    known.tokenHash = tokenHash
    known.checkedAt = now
    known.hear(contentVersion, now)
    known.header = header
    this.byHeader.set(header, known)
    return known
  }

  /** Its token, or its state, is to be asked for again; its answers stay. */
  forgetToken(known: Known): void {
    if (known.header !== null) this.byHeader.delete(known.header)
    known.header = null
  }

  drop(known: Known): void {
    this.forgetToken(known)
    known.gone = true
    this.byId.delete(known.tenant.id)
    this.onGone(known)
  }

  private makeRoom(): void {
    for (const known of this.byId.values()) {
      if (this.byId.size < this.atMost) return
      if (known.used) {
        known.used = false
        this.byId.delete(known.tenant.id)
        this.byId.set(known.tenant.id, known)
      } else this.drop(known)
    }
  }
}
