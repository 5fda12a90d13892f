import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Clock, steady } from '../../kernel/clock.js'
import { isFailure } from '../../kernel/errors.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { Known, KnownTenants } from '../known.js'
import type { Answers } from '../parts.js'
import { canonicalUrl } from './canonical.js'
import { type Entry, entryOf } from './entry.js'
import type { FarAnswer, FarAnswers } from './far.js'
import type { NearAnswers } from './near.js'
import { sendEntry } from './send.js'
import type { AnswerTally } from './tally.js'
import { type ContentWatch, noteOwnChange } from './watch.js'

/** Clocks of two machines may differ by so much. */
const SKEW_MS = 5_000

export interface AnswerParts {
  readonly known: KnownTenants
  readonly near: NearAnswers
  /** Null where nothing is shared with other processes. */
  readonly far: FarAnswers | null
  readonly tally: AnswerTally
  readonly ttlMs: number
  /** False: nothing is kept, near or far. */
  readonly keeps: boolean
  readonly watch: ContentWatch
  /** A small question to the tenant's database. */
  readonly look: (tenant: Tenant) => Promise<unknown>
  readonly now?: Clock
}

type Build = () => Promise<unknown>

/** Keeps answers near and far, and builds each once however many ask for it. */
export class KeptAnswers implements Answers {
  private readonly now: Clock

  constructor(private readonly parts: AnswerParts) {
    this.now = parts.now ?? steady
  }

  async send(request: FastifyRequest, reply: FastifyReply, build: Build): Promise<FastifyReply> {
    const known = this.knownOf(request.tenant)
    if (!this.parts.keeps || known === undefined) return sendEntry(request, reply, await this.built(null, request.url, build))
    const key = canonicalUrl(request.url)
    const kept = this.parts.near.find(known, key)
    if (kept !== null && isFresh(known, kept, this.now())) {
      this.parts.tally.near++
      this.parts.near.alias(known, kept, request.url)
      return sendEntry(request, reply, kept)
    }
    const deed = () => this.flown(known, key, build)
    try {
      return this.sendBuilt(request, reply, known, await known.database.ask(deed, () => this.parts.look(known.tenant)))
    } catch (error) {
      if (!isFailure(error, 'UNAVAILABLE')) throw error
      const older = kept ?? (await this.olderFromFar(known, key))
      // Who has nothing else waits as long as it takes.
      if (older === null) return this.sendBuilt(request, reply, known, await deed())
      this.parts.tally.stale++
      return sendEntry(request, reply, older, Date.now() - older.builtAt)
    }
  }

  forget(tenantId: Tenant['id']): void {
    const known = this.parts.known.numbered(tenantId)
    if (known === undefined) return
    noteOwnChange(known, this.now())
    // It was changed: its database answers.
    known.database.heard()
  }

  close(): Promise<void> {
    return this.parts.watch.close()
  }

  /** A number that was given again is another tenant. */
  private knownOf({ id, createdAt }: Tenant): Known | undefined {
    const known = this.parts.known.numbered(id)
    return known?.tenant.createdAt === createdAt ? known : undefined
  }

  private sendBuilt(request: FastifyRequest, reply: FastifyReply, known: Known, entry: Entry): FastifyReply {
    this.parts.near.alias(known, entry, request.url)
    return sendEntry(request, reply, entry)
  }

  /** One flight for all who ask for the same while nothing else is heard of the tenant. */
  private flown(known: Known, key: string, build: Build): Promise<Entry> {
    const { flights } = known
    const under = flights.get(key)
    if (under !== undefined && under.generation === known.generation) return under.entry
    const entry = this.fetched(known, key, build).finally(() => {
      if (flights.get(key)?.entry === entry) flights.delete(key)
    })
    flights.set(key, { generation: known.generation, entry })
    return entry
  }

  private async fetched(known: Known, key: string, build: Build): Promise<Entry> {
    const { far } = this.parts
    if (far === null) return this.built(known, key, build)
    const find = () => this.foundFar(known, key, far)
    const found = await find()
    if (found !== null) return found
    if (!far.wants(known, key)) return this.built(known, key, build)
    const turn = await far.turn(known.tenant, key, find)
    if ('found' in turn) return turn.found
    try {
      const entry = await this.built(known, key, build)
      void far.put(known, key, entry).finally(turn.end)
      return entry
    } catch (error) {
      turn.end()
      throw error
    }
  }

  /** Null when there is none that counts. */
  private async foundFar(known: Known, key: string, far: FarAnswers): Promise<Entry | null> {
    // Of a change made here the far answers may not have heard.
    if (known.changedAt !== null) return null
    const { generation } = known
    const answer = await far.get(known.tenant, key)
    if (answer === null || known.generation !== generation) return null
    const ageMs = Date.now() - answer.builtAt
    if (answer.version < known.version || ageMs >= this.parts.ttlMs || ageMs < -SKEW_MS) return null
    known.hear(answer.version, this.now())
    this.parts.tally.far++
    return this.kept(known, key, answer, this.parts.ttlMs - Math.max(0, ageMs))
  }

  /** What is known of the tenant is noted before anything is read: a change that is committed meanwhile is heard of later, and ends the answer. */
  private async built(known: Known | null, key: string, build: Build): Promise<Entry> {
    const { generation, version } = known ?? { generation: 0, version: 0 }
    const begunAt = Date.now()
    const freshUntil = this.now() + this.parts.ttlMs
    const body = Buffer.from(JSON.stringify(await build()))
    this.parts.tally.built++
    const entry = entryOf({ key, body, version, builtAt: begunAt, generation, freshUntil })
    if (known !== null) this.parts.near.keep(known, entry)
    return entry
  }

  private kept(known: Known, key: string, { body, version, builtAt, etag }: FarAnswer, freshMs: number): Entry {
    const facts = { key, body, version, builtAt, generation: known.generation, freshUntil: this.now() + freshMs }
    const entry = entryOf(facts, etag)
    this.parts.near.keep(known, entry)
    return entry
  }

  /** However old it is, and of whatever version. */
  private async olderFromFar(known: Known, key: string): Promise<Entry | null> {
    const answer = (await this.parts.far?.get(known.tenant, key)) ?? null
    // It stays out of date here, so that the database is asked again.
    return answer === null ? null : this.kept(known, key, answer, 0)
  }
}

/** Whether nothing was heard since it was built, and not for too long. */
export function isFresh(known: Known, entry: Entry, now: number): boolean {
  return entry.generation === known.generation && now < entry.freshUntil
}
