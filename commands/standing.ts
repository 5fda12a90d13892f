import type { QueueOverview } from '../src/watch/overview.js'

/** What scripts get of those who supervise and of the alerts: durations in ms, moments as such. */
export function standingDocument({ supervisors, alerts }: Pick<QueueOverview, 'supervisors' | 'alerts'>) {
  return {
    supervisors: supervisors.map(({ targetWaitS, ...card }) => ({ ...card, targetWaitMs: targetWaitS * 1000 })),
    alerts: alerts.map(alert => ({ ...alert, since: new Date(alert.since) })),
  }
}
