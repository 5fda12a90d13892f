import { sleep } from '../../kernel/clock.js'
import { wordsOf } from '../../kernel/errors.js'
import { newHolder } from '../../kernel/holder.js'
import type { Log } from '../../kernel/log.js'
import type { TenantId } from '../../tenants/ids.js'
import { type EventBatch, tenantsOf } from '../event-batch.js'
import { allKept } from './all-kept.js'
import { decodeBatch, encodeBatch } from './codec.js'
import type { Backlog, EventLog, TakenBatches } from './driver.js'
import { Gauge } from './gauge.js'
import { JournalFolder, journalFailure } from './journal-folder.js'
import { JournalHeld } from './journal-held.js'
import { Portion } from './portion.js'
import { payloadsIn, recordOf } from './records.js'
import { SegmentWriter } from './segment-writer.js'
import { askedName, damagedName, type Segment, sealedName, startedAt, takenName } from './segments.js'

/** How often is looked whether others have sealed what they were asked for: for a second. Counted, and not timed: who was held up itself has not looked either. */
const ASK_LOOKS = 50
const ASK_LOOK_MS = 20
const TOUCH_EVERY_MS = 10_000

export interface JournalOptions {
  /** Made with the first batch, for this user only. Of one machine: several processes may use it. */
  readonly folder: string
  readonly maxBytes: number
  readonly log: Log
}

/** A segment that this process works on. */
interface Claim {
  readonly id: string
  readonly name: string
  readonly batches: number
  /** It holds bytes that could not be read, and is not removed. */
  isDamaged: boolean
}

/** What one take has so far. */
interface Taking {
  readonly portion: Portion
  readonly claims: Claim[]
  /** Those that could not be read: they are given back. */
  readonly unread: Claim[]
  /** Why the first of them could not be. */
  fault: unknown
}

/** Batches in files, each synced before it is acknowledged. */
export class Journal implements EventLog {
  readonly name = 'journal'
  private readonly folder: JournalFolder
  private readonly holder = newHolder()
  private readonly writer: SegmentWriter
  private readonly held: JournalHeld
  private readonly gauge: Gauge
  private readonly claims = new Set<Claim>()
  private touching: NodeJS.Timeout | null = null

  constructor(private readonly options: JournalOptions) {
    this.folder = new JournalFolder(options.folder)
    this.writer = new SegmentWriter(this.folder, this.holder)
    this.held = new JournalHeld(options.folder, this.holder)
    this.gauge = new Gauge({ backlog: () => this.backlog(), held: () => this.readHeld() }, options.maxBytes)
  }

  async append(batch: EventBatch): Promise<void> {
    const record = recordOf(encodeBatch(batch))
    await this.gauge.admit(batch.tenantId, record.length)
    await this.writer.append(record)
  }

  /** In segments of their own: names are in order of time. */
  async putBehind(batches: readonly EventBatch[]): Promise<void> {
    await this.asking(async () => {
      await this.held.add(tenantsOf(batches))
      await this.writer.seal()
      await allKept(batches.map(batch => this.writer.append(recordOf(encodeBatch(batch)))))
    })
  }

  take(maxEvents: number): Promise<TakenBatches | null> {
    return this.asking(async () => {
      const taking: Taking = { portion: new Portion(maxEvents), claims: [], unread: [], fault: null }
      const { portion, claims } = taking
      try {
        await this.folder.recover()
        await this.claimInto(taking)
        if (!portion.isFull) {
          await this.writer.seal()
          await this.claimInto(taking)
        }
        if (portion.batches.length === 0 && (await this.askOthers())) await this.claimInto(taking)
        await this.giveBack(taking.unread)
      } catch (error) {
        await this.giveBack([...claims, ...taking.unread])
        throw error
      }
      if (portion.batches.length === 0 && taking.fault !== null) throw taking.fault
      if (portion.batches.length === 0) return null
      return {
        batches: portion.batches,
        done: () => this.asking(() => this.forget(claims)),
        giveBack: () => this.asking(() => this.giveBack(claims)),
      }
    })
  }

  backlog(): Promise<Backlog> {
    return this.asking(async () => {
      let [batches, bytes] = [0, 0]
      let oldestAt: number | null = null
      for (const segment of await this.folder.list()) {
        if (segment.state === 'asked' || segment.state === 'damaged') continue
        bytes += (await this.folder.size(segment.name)) ?? 0
        batches += segment.batches ?? (await this.folder.countBatches(segment.name)) ?? 0
        oldestAt ??= startedAt(segment)
      }
      return { batches, bytes, oldestAt: batches === 0 ? null : oldestAt }
    })
  }

  isTaken(): Promise<boolean> {
    return this.asking(async () => (await this.folder.list()).some(({ state }) => state === 'taken'))
  }

  async close(): Promise<void> {
    await this.asking(async () => {
      await this.giveBack([...this.claims])
      await this.writer.seal()
    })
  }

  private readHeld(): Promise<ReadonlySet<TenantId>> {
    return this.asking(async () => this.held.read(await this.folder.names()))
  }

  /** Adds what waits until there is enough. A segment that cannot be read keeps none of the others waiting. */
  private async claimInto(taking: Taking): Promise<void> {
    const { portion, claims } = taking
    for (const segment of await this.folder.list()) {
      if (portion.isFull) return
      const claim = segment.state === 'sealed' ? await this.claim(segment) : null
      if (claim === null) continue
      const bytes = await this.read(claim, taking)
      if (bytes === null) continue
      const found = this.readBatches(claim, bytes)
      if (found.length === 0) await this.forget([claim])
      else claims.push(claim)
      portion.add(found, bytes.length)
    }
  }

  /** Null when another one was faster. */
  private async claim({ id, batches, name }: Segment): Promise<Claim | null> {
    const claim = { id, batches: batches ?? 0, name: takenName(id, batches ?? 0, this.holder), isDamaged: false }
    // One that has waited for long would look, once it is taken, as if its taker were dead.
    if (!(await this.folder.touch(name)) || !(await this.folder.rename(name, claim.name))) return null
    this.claims.add(claim)
    this.touching ??= setInterval(() => void this.touch(), TOUCH_EVERY_MS).unref()
    return claim
  }

  private async read(claim: Claim, taking: Taking): Promise<Buffer | null> {
    try {
      return await this.folder.read(claim.name)
    } catch (error) {
      taking.unread.push(claim)
      taking.fault ??= error
      this.options.log.error('analytics: a segment of the journal cannot be read', { segment: claim.id, why: wordsOf(error) })
      return null
    }
  }

  private readBatches(claim: Claim, bytes: Buffer): EventBatch[] {
    const payloads = payloadsIn(bytes)
    const batches: EventBatch[] = []
    for (const payload of payloads) {
      try {
        batches.push(decodeBatch(payload))
      } catch (error) {
        claim.isDamaged = true
        this.options.log.error('analytics: a batch of the journal cannot be read', { segment: claim.id, why: wordsOf(error) })
      }
    }
    if (payloads.length < claim.batches) {
      claim.isDamaged = true
      this.options.log.error('analytics: a segment of the journal is damaged', {
        segment: claim.id,
        lost: claim.batches - payloads.length,
      })
    }
    return batches
  }

  /** Whether others have sealed what they were writing. */
  private async askOthers(): Promise<boolean> {
    const isOthers = ({ state, holder }: Segment) => state === 'open' && holder !== this.holder
    const asked = (await this.folder.list()).filter(isOthers).map(({ id }) => id)
    if (asked.length === 0) return false
    for (const id of asked) await this.folder.ask(id)
    try {
      for (let looks = 0; looks < ASK_LOOKS; looks++) {
        const open = (await this.folder.list()).filter(isOthers).map(({ id }) => id)
        if (!asked.some(id => open.includes(id))) return true
        await sleep(ASK_LOOK_MS)
      }
      return true
    } finally {
      for (const id of asked) await this.folder.remove(askedName(id))
    }
  }

  private async forget(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) {
      if (!this.claims.has(claim)) continue
      if (claim.isDamaged) await this.folder.rename(claim.name, damagedName(claim.id))
      else await this.folder.remove(claim.name)
      this.release(claim)
    }
  }

  private async giveBack(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) {
      if (!this.claims.has(claim)) continue
      await this.folder.rename(claim.name, sealedName(claim.id, claim.batches))
      this.release(claim)
    }
  }

  private release(claim: Claim): void {
    this.claims.delete(claim)
    if (this.claims.size > 0 || this.touching === null) return
    clearInterval(this.touching)
    this.touching = null
  }

  private async touch(): Promise<void> {
    for (const { name } of this.claims) await this.folder.touch(name).catch(() => {})
  }

  private async asking<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw journalFailure(error, this.folder.path)
    }
  }
}
