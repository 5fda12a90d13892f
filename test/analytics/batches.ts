import { createHash } from 'node:crypto'
import type { EventBatch } from '../../src/analytics/event-batch.js'
import type { TenantId } from '../../src/tenants/ids.js'

export interface GivenEvent {
  readonly kind?: string
  /** 0, the default, is of no post. */
  readonly post?: number
  readonly at?: number
  /** None when it is not given. */
  readonly visitor?: string
  readonly extra?: string
}

/** A batch as intake makes it. */
export function batchOf(tenantId: TenantId, id: string, events: readonly GivenEvent[]): EventBatch {
  const kinds = [...new Set(events.map(({ kind = 'view' }) => kind))]
  const hashes = events.map(({ visitor }) => hashOf(tenantId, visitor))
  return {
    tenantId,
    id,
    acceptedAt: Date.now(),
    events: {
      length: events.length,
      kinds,
      kind: Uint16Array.from(events, ({ kind = 'view' }) => kinds.indexOf(kind)),
      post: Float64Array.from(events, ({ post = 0 }) => post),
      at: Float64Array.from(events, ({ at = Date.now() }) => at),
      visitorHigh: Uint32Array.from(hashes, ([high]) => high),
      visitorLow: Uint32Array.from(hashes, ([, low]) => low),
      extras: events.some(event => event.extra !== undefined) ? events.map(({ extra = null }) => extra) : null,
    },
  }
}

export function hashOf(tenantId: number, visitor: string | undefined): [high: number, low: number] {
  if (visitor === undefined) return [0, 0]
  const digest = createHash('sha1').update(`${tenantId}:${visitor}`).digest()
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)]
}
