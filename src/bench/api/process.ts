import { monitorEventLoopDelay } from 'node:perf_hooks'
import { wordsOf } from '../../kernel/errors.js'
import type { Reply, Wish } from './load-process.js'

// A process that generates load, or answers with the least effort: it does the deeds it is told over IPC, and ends with who started it.
const DEEDS: Readonly<Record<string, () => Promise<(order: never) => Promise<unknown>>>> = {
  bareServer: async () => (await import('./bare-server.js')).bareServer,
  closedLoop: async () => (await import('./closed-loop.js')).closedLoop,
  sendAtRate: async () => (await import('../rate/threads.js')).sendAtRate,
  concurrentUsers: async () => (await import('./concurrent-users.js')).concurrentUsers,
  userLoop: async () => (await import('../url/user-loop.js')).userLoop,
  holdConnections: async () => (await import('./held-connections.js')).holdConnections,
  askHeld: async () => (await import('./held-connections.js')).askHeld,
  writeEventLines: async () => (await import('../analytics/event-lines.js')).writeEventLines,
  sendEvents: async () => (await import('../analytics/send-events.js')).sendEvents,
}

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.on('message', (wish: Wish) => void answer(wish))

async function answer({ id, deed, order }: Wish): Promise<void> {
  let reply: Reply
  const delay = monitorEventLoopDelay({ resolution: 5 })
  try {
    const run = await DEEDS[deed]?.()
    if (run === undefined) throw new Error(`there is no ${deed}`)
    delay.enable()
    const [begun, used, loop] = [performance.now(), process.cpuUsage(), performance.eventLoopUtilization()]
    const result = await run(order as never)
    const { user, system } = process.cpuUsage(used)
    const strain = {
      cpuShare: (user + system) / 1000 / (performance.now() - begun),
      loopShare: performance.eventLoopUtilization(loop).utilization,
      loopDelayP99Ms: delay.percentile(99) / 1e6,
    }
    reply = { id, result, strain, error: null }
  } catch (error) {
    reply = { id, result: null, strain: null, error: wordsOf(error) }
  }
  delay.disable()
  if (process.connected) process.send?.(reply)
}
