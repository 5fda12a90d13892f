import type { FastifyRequest } from 'fastify'
import { Patience } from '../caches/index.js'
import { type Clock, steady } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import { shortHash } from '../kernel/hash.js'
import { refuseSuspended } from '../media/serving/serving.js'
import type { Catalog } from '../tenants/catalog.js'
import type { Tenant } from '../tenants/tenant.js'
import { type Bearer, findByToken } from '../tenants/tokens.js'
import { Guesses } from './guesses.js'
import type { Known, KnownTenants } from './known.js'
import type { Principals } from './parts.js'

/** How long a tenant is believed what the catalog last said while it is away. */
const BELIEVED_MS = 3_600_000
/** A token that nobody has is not looked up again for this time. */
const WRONG_MS = 5_000
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
  private readonly lookups = new Map<string, Promise<Bearer | null>>()
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
    const header = request.headers.authorization ?? ''
    const before = this.known.bearing(header)
    const known = before !== undefined && this.counts(before) ? before : await this.lookUp(header, before, request.ip)
    known.used = true
    refuseSuspended(known.tenant)
    await known.allowance.admit()
    return known.tenant
  }

  async close(): Promise<void> {}

  private counts(known: Known): boolean {
    return this.now() - known.checkedAt < this.settings.ttlMs
  }

  private async lookUp(header: string, before: Known | undefined, address: string): Promise<Known> {
    const token = /^Bearer +([\w-]{1,200})$/i.exec(header)?.[1]
    if (token === undefined) throw invalid()
    let bearer: Bearer | null
    try {
      bearer = before === undefined ? await this.guesses.guess(address, () => this.find(token)) : await this.find(token)
    } catch (error) {
      const isBelieved = before !== undefined && !before.gone && this.now() - before.checkedAt < BELIEVED_MS
      if (isBelieved && isFailure(error, 'UNAVAILABLE')) return before
      throw error
    }
    if (bearer !== null) return this.known.learn(header, bearer, this.now())
    if (before !== undefined) this.known.forgetHeaders(before)
    throw invalid()
  }

  /** One lookup for all who ask for the token at the same time. */
  private find(token: string): Promise<Bearer | null> {
    const hash = shortHash(token)
    if (this.now() < (this.wrong.get(hash) ?? 0)) return Promise.resolve(null)
    const under = this.lookups.get(hash)
    if (under !== undefined) return under
    const lookup = this.patience
      .ask(() => findByToken(this.catalog, token))
      .then(bearer => {
        if (bearer === null) this.noteWrong(hash)
        return bearer
      })
      .finally(() => this.lookups.delete(hash))
    this.lookups.set(hash, lookup)
    return lookup
  }

  private noteWrong(hash: string): void {
    this.wrong.delete(hash)
    const [oldest] = this.wrong.keys()
    if (this.wrong.size >= WRONG_AT_MOST && oldest !== undefined) this.wrong.delete(oldest)
    this.wrong.set(hash, this.now() + WRONG_MS)
  }
}

function invalid(): Failure {
  return new Failure('TOKEN_INVALID', 'the request bears no token of a tenant')
}
