import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { type Cache, type Gates, Patience, tenantKey } from '../../caches/index.js'
import { type Clock, sleep, steady } from '../../kernel/clock.js'
import { isFailure, wordsOf } from '../../kernel/errors.js'
import { randomToken, shortHash } from '../../kernel/hash.js'
import type { Log } from '../../kernel/log.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { Known } from '../known.js'
import { ByteBudget } from './budget.js'
import { Worth } from './worth.js'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** What is kept far outlives its time, so that there is something to send while the database is away. */
const KEPT_TIMES_TTL = 10
const KEPT_AT_LEAST_S = 60
const KEPT_AT_MOST_S = 3_600
/** Of a key, of the gate of who builds it, and of what Redis needs for them, about. */
const OVERHEAD_BYTES = 1_000
/** Nothing is put for so long after Redis had no room: others need what there is. */
const FULL_MS = 60_000
const REDIS = { awayMs: 3_000, what: 'Redis' }
const LOOK_EVERY_MS = 20
const OPEN_TO_ALL = 1_000_000

/** What is waited for, ms. */
export interface FarTimes {
  /** Redis that takes longer counts as away. */
  readonly patienceMs: number
  /** Who builds an answer may take this long before another one does; longer ones are built twice. */
  readonly turnMs: number
}

export const FAR_TIMES: FarTimes = { patienceMs: 250, turnMs: 5_000 }

/** An answer as other processes have it. */
export interface FarAnswer {
  readonly body: Buffer
  readonly etag: string
  readonly version: number
  /** Epoch ms, by the clock of who built it. */
  readonly builtAt: number
}

/** Ready answers that all processes share, compressed. Never throws: what is away or silent has nothing, and is left alone for seconds. */
export class FarAnswers {
  private readonly patience: Patience
  private readonly keptS: number
  private readonly budget: ByteBudget
  private readonly worth = new Worth()
  private fullUntil = 0

  /** Of what this process has put there, never more than `bytes` are kept. */
  constructor(
    private readonly cache: Cache,
    private readonly gates: Gates,
    { ttlS, bytes }: { readonly ttlS: number; readonly bytes: number },
    private readonly log: Log,
    private readonly now: Clock = steady,
    private readonly times = FAR_TIMES,
  ) {
    this.keptS = Math.max(ttlS, Math.min(KEPT_AT_MOST_S, Math.max(KEPT_AT_LEAST_S, ttlS * KEPT_TIMES_TTL)))
    this.budget = new ByteBudget(bytes, this.keptS * 1000, now)
    this.patience = new Patience({ ...REDIS, patienceMs: times.patienceMs }, ({ message }) =>
      log.warn('answers are not shared for now', { why: message }),
    )
  }

  async get(tenant: Tenant, key: string): Promise<FarAnswer | null> {
    const bytes = await this.ask(() => this.cache.get(cacheKey(tenant, key)))
    return bytes === null ? null : decode(bytes)
  }

  /** Whether an answer that is to be built is to be shared: by a turn, and by `put`. */
  wants(known: Known, key: string): boolean {
    const isWorth = this.worth.of(key, cacheKey(known.tenant, key))
    return isWorth && this.now() >= this.fullUntil && !this.patience.away && this.budget.has(known)
  }

  async put(known: Known, key: string, answer: FarAnswer): Promise<void> {
    if (answer.body.length > MAX_BODY_BYTES) return
    const bytes = await encode(answer)
    if (!this.budget.spend(known, bytes.length + OVERHEAD_BYTES)) return
    await this.ask(() => this.cache.put(cacheKey(known.tenant, key), bytes, this.keptS).catch(error => this.heedFull(error)))
  }

  /**
   * Waits until it is this process's turn to build the answer, or until another one has built it and `find` finds that. The turn is ended by `end`, which is
   * calm; nobody waits longer than a turn lasts.
   */
  async turn<T>(
    tenant: Tenant,
    key: string,
    find: () => Promise<T | null>,
  ): Promise<{ readonly found: T } | { readonly end: () => void }> {
    const gate = `answer:${cacheKey(tenant, key)}`
    const token = randomToken()
    const { turnMs } = this.times
    const terms = { places: 1, perSecond: OPEN_TO_ALL, burst: OPEN_TO_ALL, leaseMs: turnMs, token }
    const end = () => void this.gates.leave(gate, token).catch(() => {})
    for (let waitedMs = 0; waitedMs < turnMs; waitedMs += LOOK_EVERY_MS) {
      let gaveUp = false
      const answer = await this.ask(async () => {
        const answer = await this.gates.enter(gate, terms)
        // Nobody waits for this place any more.
        if (gaveUp && answer.entered) end()
        return answer
      })
      if (answer === null) {
        gaveUp = true
        break
      }
      // Who came in may have missed by a moment what the one before has built.
      const found = await find()
      if (answer.entered) {
        if (found === null) return { end }
        end()
      }
      if (found !== null) return { found }
      await sleep(LOOK_EVERY_MS)
    }
    return { end: () => {} }
  }

  /** What is there can still be had. */
  private heedFull(error: unknown): void {
    if (!/\bOOM\b/.test(wordsOf(error))) throw error
    if (this.now() >= this.fullUntil) this.log.warn('answers are not shared for now', { why: wordsOf(error) })
    this.fullUntil = this.now() + FULL_MS
  }

  private async ask<T>(deed: () => Promise<T>): Promise<T | null> {
    try {
      return await this.patience.ask(deed)
    } catch (error) {
      if (isFailure(error, 'UNAVAILABLE')) return null
      throw error
    }
  }
}

/** Of two tenants never the same: a number that a restored catalog gives again was made at another time. */
function cacheKey({ id, createdAt }: Tenant, key: string): string {
  return tenantKey('answer', id, createdAt, shortHash(key))
}

/** A line of facts, then the body. */
async function encode({ body, etag, version, builtAt }: FarAnswer): Promise<Buffer> {
  const line = Buffer.from(`1 ${version} ${builtAt} ${etag}\n`, 'latin1')
  return Buffer.concat([line, await deflate(body, { level: 1 })])
}

/** Null for what another feedctl has written, or what is damaged. */
async function decode(bytes: Uint8Array): Promise<FarAnswer | null> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = buffer.indexOf('\n')
  const facts = /^1 (\d+) (\d+) ("[\w-]+")$/.exec(buffer.toString('latin1', 0, Math.max(0, end)))
  if (facts === null) return null
  try {
    const body = await inflate(buffer.subarray(end + 1), { maxOutputLength: MAX_BODY_BYTES })
    return { body, etag: facts[3] ?? '', version: Number(facts[1]), builtAt: Number(facts[2]) }
  } catch {
    return null
  }
}
