import { expect } from 'vitest'
import type { FeedServer } from '../../../src/bench/feed-server/server.js'
import { isAlive, soon } from '../supervision.js'
import type { Machine } from './rendered.js'
import type { Site } from './site.js'

/** More than between two cards of a worker: what it still does after as long waits for a feed. */
const CARD_MS = 2_500

/** Kills a worker in the middle of tenants' syncs, and resolves when its supervisor has another. Syncs must be under way, or come. */
export async function killWorker(site: Site, server: FeedServer): Promise<void> {
  await using app = await site.open()
  const board = await app.board()
  server.hold(0)
  const heldAt = Date.now()
  const before = site.supervisor.children
  const victim = await soon(async () => {
    const busy = (await board.workers()).find(
      ({ jobs, seenAt }) => seenAt > heldAt + CARD_MS && jobs.some(job => job.queue === 'sync'),
    )
    if (busy === undefined) throw new Error('no worker syncs')
    return busy
  })
  expect(before).toContain(victim.pid)
  process.kill(victim.pid, 'SIGKILL')
  server.letGo()
  await soon(() => {
    const now = site.supervisor.children.filter(isAlive)
    expect(now).toHaveLength(before.length)
    expect(now).not.toContain(victim.pid)
  })
}

/** Kills a machine's API, and resolves when the others have answered so many more requests. */
export async function killApi(site: Site, machine: Machine, others: readonly Machine[], more: number): Promise<void> {
  await site.apis[machine].kill()
  await grown(others, more, other => site.figure(other, 'feedctl_api_requests_total{status="200"}'))
}

/** Kills the replica, and resolves when each machine has read so many times more from the primary. */
export async function killReplica(site: Site, machines: readonly Machine[], more: number): Promise<void> {
  await grown(machines, 1, machine => site.figure(machine, 'feedctl_api_reads_total{place="replica"}'))
  await site.databases.replica.kill()
  await grown(machines, more, machine => site.figure(machine, 'feedctl_api_reads_total{place="primary"}'))
}

/** Resolves when the figure of each machine is so much more than now. */
export async function grown(
  machines: readonly Machine[],
  more: number,
  figure: (machine: Machine) => Promise<number>,
): Promise<void> {
  const before = await Promise.all(machines.map(figure))
  await soon(async () => {
    const now = await Promise.all(machines.map(figure))
    for (const [index, value] of now.entries()) expect(value).toBeGreaterThanOrEqual((before[index] ?? 0) + more)
  })
}
