import type { FastifyRequest } from 'fastify'
import { Patience } from '../caches/index.js'
import { type Clock, steady } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import { shortHash } from '../kernel/hash.js'
import { refuseSuspended } from '../media/serving/serving.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId } from '../tenants/ids.js'
import type { Tenant } from '../tenants/tenant.js'
import { findByToken } from '../tenants/tokens.js'
import { Guesses } from './guesses.js'
import { bearerHeader, type Known, type KnownTenants } from './known.js'
import type { Principals } from './parts.js'

/** How long a tenant is believed what the catalog last said while it is away. */
const BELIEVED_MS = 3_600_000
/** A token that nobody has is not looked up again for this time, and is one guess however often it is sent. */
const WRONG_MS = 60_000
/** Wrong tokens that are remembered. */
const WRONG_AT_MOST = 10_000
const CATALOG = { patienceMs: 2_000, awayMs: 1_000, what: 'the catalog' }

export interface PrincipalSettings {
  /** How long the catalog's word counts that nothing has changed. */
  readonly ttlMs: number
  readonly now?: Clock
}

/** Remembers whose token is whose until the catalog says otherwise; a token that is not known costs one lookup. */
export class KnownPrincipals implements Principals {
  private readonly lookups = new Map<string, Promise<Known | null>>()
  private readonly guessing = new Map<string, Promise<Known | null>>()
  /** Hash of a wrong token to when it may be looked up again. */
  private readonly wrong = new Map<string, number>()
  private readonly patience: Patience
  private readonly now: Clock

  constructor(
    private readonly catalog: Catalog,
    private readonly known: KnownTenants,
    private readonly settings: PrincipalSettings,
    private readonly guesses = new Guesses(settings.now),
  ) {
    this.now = settings.now ?? steady
    this.patience = new Patience(CATALOG, () => {}, this.now)
  }

  async authorize(request: FastifyRequest): Promise<Tenant> {
    const token = /^Bearer +([\w-]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) throw invalid()
    const before = this.known.bearing(bearerHeader(token))
    const known = before !== undefined && this.counts(before) ? before : await this.lookUp(token, before, request.ip)
    known.used = true
    refuseSuspended(known.tenant)
    await known.allowance.admit()
    return known.tenant
  }

  noteMoved(tenant: TenantId): void {
    const known = this.known.numbered(tenant)
    if (known !== undefined) this.known.forgetToken(known)
  }

  async close(): Promise<void> {}

  private counts(known: Known): boolean {
    return this.now() - known.checkedAt < this.settings.ttlMs
  }

  private async lookUp(token: string, before: Known | undefined, address: string): Promise<Known> {
    let known: Known | null
    try {
      known = before === undefined ? await this.guessed(token, address) : await this.find(token)
    } catch (error) {
      const isBelieved = before !== undefined && !before.gone && this.now() - before.checkedAt < BELIEVED_MS
      if (isBelieved && isFailure(error, 'UNAVAILABLE')) return before
      throw error
    }
    if (known !== null) return known
    if (before !== undefined) this.known.forgetToken(before)
    throw invalid()
  }

  /** One guess for all who come from the address with the token at the same time, and none where it is known to be wrong. */
  private guessed(token: string, address: string): Promise<Known | null> {
    if (this.isWrong(shortHash(token))) return Promise.resolve(null)
    return shared(this.guessing, `${address} ${token}`, () =>
      this.guesses.guess(address, async () => {
        // While it waited for its turn it may have come from elsewhere.
        const known = this.known.bearing(bearerHeader(token))
        return known !== undefined && this.counts(known) ? known : this.find(token)
      }),
    )
  }

  /** One lookup for all who ask for the token at the same time. */
  private async find(token: string): Promise<Known | null> {
    const hash = shortHash(token)
    if (this.isWrong(hash)) return null
    return shared(this.lookups, hash, async () => {
      const bearer = await this.patience.ask(() => findByToken(this.catalog, token))
      if (bearer !== null) return this.known.learn(bearerHeader(token), bearer, this.now())
      this.noteWrong(hash)
      return null
    })
  }

  private isWrong(hash: string): boolean {
    return this.now() < (this.wrong.get(hash) ?? 0)
  }

  private noteWrong(hash: string): void {
    this.wrong.delete(hash)
    const [oldest] = this.wrong.keys()
    if (this.wrong.size >= WRONG_AT_MOST && oldest !== undefined) this.wrong.delete(oldest)
    this.wrong.set(hash, this.now() + WRONG_MS)
  }
}

function shared<T>(under: Map<string, Promise<T>>, name: string, deed: () => Promise<T>): Promise<T> {
  const going = under.get(name) ?? deed().finally(() => under.delete(name))
  under.set(name, going)
  return going
}

function invalid(): Failure {
  return new Failure('TOKEN_INVALID', 'the request bears no token of a tenant')
}
