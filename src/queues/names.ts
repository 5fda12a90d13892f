/** Every queue there is, in the order they are shown. `maintenance` has what keeps the house: pruning, removals, what the schedule begins. */
export const QUEUES = ['sync', 'media', 'analytics', 'maintenance'] as const

export type QueueName = (typeof QUEUES)[number]

export function isQueueName(name: string): name is QueueName {
  return (QUEUES as readonly string[]).includes(name)
}
