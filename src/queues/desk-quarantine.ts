import { sleep } from '../kernel/clock.js'
import { wordsOf } from '../kernel/errors.js'
import { answersOf, type DeskQueues } from './desk-queues.js'
import type { QueueName } from './names.js'
import type { QuarantineRecord } from './quarantine.js'

const FIELDS_PER_SCAN = 200
/** Who looks into the queues waits no longer for a catalog that does not answer. */
const CATALOG_MS = 1_000

/** Which of these tenants are removed. */
export type RemovedTenants = (tenantIds: readonly number[]) => Promise<ReadonlySet<number>>

/** The quarantine as an operator reads it, and lets jobs out of it. */
export class QuarantineBook {
  private readonly key: string
  private forgetting: Promise<void> | null = null

  constructor(
    private readonly queues: DeskQueues,
    private readonly removed: RemovedTenants,
  ) {
    this.key = `{${queues.prefix}}:quarantine`
  }

  /** What is in it under these ids, in their order; null where nothing is. */
  async find(queue: QueueName, dedupeIds: readonly string[]): Promise<(QuarantineRecord | null)[]> {
    if (dedupeIds.length === 0) return []
    const texts = await this.queues.redis.hmget(this.key, ...dedupeIds.map(id => `${queue} ${id}`))
    return texts.map(text => (text === null ? null : (JSON.parse(text) as QuarantineRecord)))
  }

  /** Whether a job other than this one is held under its dedupe id. */
  async holdsAnother(queue: QueueName, dedupeId: string, id: string): Promise<boolean> {
    const [held] = await this.find(queue, [dedupeId])
    return held != null && held.id !== id
  }

  async lift(queue: QueueName, dedupeId: string): Promise<void> {
    await this.queues.redis.hdel(this.key, `${queue} ${dedupeId}`)
  }

  /** Those whose failed job is not there, given up since or not yet put there: only this book knows of them. Newest first; they are few. */
  async orphans(): Promise<QuarantineRecord[]> {
    const found: QuarantineRecord[] = []
    for await (const records of this.pages()) found.push(...(await this.withoutJob(records)))
    return found.sort((a, b) => b.failedAt - a.failedAt)
  }

  /** Forgets the jobs of tenants that are removed: nobody will ever retry them. Gives up for now where the catalog does not tell soon. */
  async forgetRemoved(): Promise<void> {
    if (this.forgetting !== null) return
    const patience = new AbortController()
    const forgetting = this.forget().finally(() => {
      this.forgetting = null
      patience.abort()
    })
    this.forgetting = forgetting.catch(error => this.queues.log.debug('jobs of removed tenants', { why: wordsOf(error) }))
    await Promise.race([this.forgetting, sleep(CATALOG_MS, patience.signal).catch(() => {})])
  }

  /** Forgets the jobs of these tenants; `note` is told of each. */
  async forgetTenants(ids: ReadonlySet<number>, note: (tenantId: number) => unknown): Promise<void> {
    for await (const records of this.pages()) {
      for (const { queue, dedupeId, tenantId } of records) {
        if (tenantId === null || !ids.has(tenantId)) continue
        await this.lift(queue, dedupeId)
        note(tenantId)
      }
    }
  }

  private async forget(): Promise<void> {
    for await (const records of this.pages()) {
      const tenants = records.flatMap(({ tenantId }) => tenantId ?? [])
      const removed = tenants.length === 0 ? new Set<number>() : await this.removed(tenants)
      for (const { queue, id, dedupeId, tenantId } of records) {
        if (tenantId === null || !removed.has(tenantId)) continue
        await this.queues.of(queue).remove(id)
        await this.lift(queue, dedupeId)
      }
    }
  }

  private async *pages(): AsyncGenerator<QuarantineRecord[]> {
    let cursor = '0'
    do {
      const [next, pairs] = await this.queues.redis.hscan(this.key, cursor, 'COUNT', FIELDS_PER_SCAN)
      yield pairs.filter((_, index) => index % 2 === 1).map(text => JSON.parse(text) as QuarantineRecord)
      cursor = next
    } while (cursor !== '0')
  }

  private async withoutJob(records: readonly QuarantineRecord[]): Promise<QuarantineRecord[]> {
    const pipeline = this.queues.redis.pipeline()
    for (const { queue, id } of records) pipeline.zscore(this.queues.key(queue, 'failed'), id)
    const scores = await answersOf(pipeline)
    return records.filter((_, index) => scores[index] === null)
  }
}
