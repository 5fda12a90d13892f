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
  sources,
}: Pick<Overview, 'alerts' | 'driver' | 'queues' | 'tenants' | 'sources'>): Health {
  const unconsumed = queues.filter(queue => driver === 'redis' && queue.waiting > 0 && queue.workers === 0)
  const paused = queues.filter(queue => queue.paused)
  const reasons = [
    ...alerts.map(({ name }) => `alert ${name} stands`),
    ...unconsumed.map(({ name }) => `nobody works on what waits in ${name}`),
    ...paused.map(({ name }) => `${name} is paused`),
    ...(tenants.failing * 2 > tenants.active ? ['the newest sync of most tenants failed, or some of its feeds'] : []),
    ...(sources.failing * 2 > sources.total - sources.retired ? ['most sources fail'] : []),
  ]
  return { state: reasons.length === 0 ? 'ok' : 'attention', reasons }
}
