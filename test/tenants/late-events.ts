import type { EventBatch } from '../../src/analytics/event-batch.js'
import type { TenantId } from '../../src/tenants/ids.js'

/** A batch of one event, as it was accepted just before. */
export function lateBatch(tenantId: TenantId, kind: string): EventBatch {
  const acceptedAt = Date.now()
  return {
    tenantId,
    id: 'late',
    acceptedAt,
    events: {
      length: 1,
      kinds: [kind],
      kind: new Uint16Array(1),
      post: new Float64Array(1),
      at: Float64Array.of(acceptedAt),
      visitorHigh: new Uint32Array(1),
      visitorLow: new Uint32Array(1),
      extras: null,
    },
  }
}
