import type { Overview } from '../../watch/overview.js'

export interface Health {
  readonly state: 'ok' | 'attention'
  /** Why it needs attention, the worst first; empty when it needs none. */
  readonly reasons: readonly string[]
}

/** Whether somebody should look closer. */
export function healthOf({
  alerts,
  driver,
  queues,
  tenants,
}: Pick<Overview, 'alerts' | 'driver' | 'queues' | 'tenants'>): Health {
  const unconsumed = queues.filter(queue => driver === 'redis' && queue.waiting > 0 && queue.workers === 0)
  const paused = queues.filter(queue => queue.paused)
  const reasons = [
    ...alerts.map(({ name }) => `alert ${name} stands`),
    ...unconsumed.map(({ name }) => `nobody works on what waits in ${name}`),
    ...paused.map(({ name }) => `${name} is paused`),
    ...(tenants.failed > 0 && tenants.failed * 2 > tenants.active ? ['most tenants fail to sync'] : []),
  ]
  return { state: reasons.length === 0 ? 'ok' : 'attention', reasons }
}
