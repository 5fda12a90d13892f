import type { WorkerCard } from '../../src/queues/index.js'

/** The IPC channel between a worker process and the supervisor that started it. */
export interface SupervisorLine {
  /** What the supervisor does not take in time is not sent. */
  tell(card: WorkerCard): void
  onOrder(listener: (order: 'pause' | 'resume') => void): void
  /** Resolves when the supervisor is gone. */
  readonly gone: Promise<void>
  /** An open channel keeps the process from ending. */
  close(): void
}

/** Null in a process that was not started with a channel. */
export function openSupervisorLine(): SupervisorLine | null {
  if (process.send === undefined) return null
  let sending = false
  const listeners: ((message: unknown) => void)[] = []
  const gone = new Promise<void>(resolve => {
    if (process.connected) process.once('disconnect', resolve)
    else resolve()
  })
  return {
    tell: card => {
      if (sending || !process.connected) return
      sending = true
      process.send?.({ card }, undefined, undefined, () => {
        sending = false
      })
    },
    onOrder: listener => {
      const hear = (message: unknown) => {
        const order = orderIn(message)
        if (order !== null) listener(order)
      }
      listeners.push(hear)
      process.on('message', hear)
    },
    gone,
    close: () => {
      for (const hear of listeners) process.off('message', hear)
      if (process.connected) process.disconnect()
    },
  }
}

function orderIn(message: unknown): 'pause' | 'resume' | null {
  const order = typeof message === 'object' && message !== null && 'do' in message ? message.do : null
  return order === 'pause' || order === 'resume' ? order : null
}
