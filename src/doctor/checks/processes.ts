import { holderWords, thisMachine } from '../../kernel/holder.js'
import type { SupervisorCard, WorkerCard } from '../../queues/index.js'
import { type Check, ok, queueOnRedis, type Verdict, warn } from '../check.js'
import { counted, some, timeWords } from '../words.js'

export const workersAge: Check = {
  id: 'workers.age',
  applies: queueOnRedis,
  run: async parts => judgeAges(await parts.workers(), parts.installedAt, Date.now()),
}

/** Workers of other machines have a feedctl of their own, of which nothing is known here. */
export function judgeAges(cards: readonly Pick<WorkerCard, 'id' | 'startedAt'>[], installedAt: number, now: number): Verdict {
  if (cards.length === 0) return ok('no worker runs')
  const old = cards.filter(({ id, startedAt }) => id.startsWith(`${thisMachine()}:`) && startedAt < installedAt)
  if (old.length > 0) {
    const named = some(old.map(({ id }) => holderWords(id)))
    return warn(
      `${counted(old.length, 'worker')} started before this feedctl was installed: ${named}`,
      'restart the supervisor, or stop the workers with SIGTERM',
    )
  }
  const oldest = Math.min(...cards.map(({ startedAt }) => startedAt))
  return ok(`${counted(cards.length, 'worker')}, the oldest since ${timeWords(Math.max(0, now - oldest))}`)
}

export const supervisorAlive: Check = {
  id: 'supervisor.alive',
  applies: queueOnRedis,
  run: async parts => judgeSupervisors(await (await parts.board()).supervisors(), await parts.workers()),
}

/** Workers that systemd or a person started need none. */
export function judgeSupervisors(
  supervisors: readonly Pick<SupervisorCard, 'id' | 'workers' | 'ceiling' | 'state'>[],
  workers: readonly Pick<WorkerCard, 'id' | 'supervisor'>[],
): Verdict {
  const orphans = workers.filter(({ supervisor }) => supervisor !== null && !supervisors.some(({ id }) => id === supervisor))
  if (orphans.length > 0) {
    const named = some(orphans.map(({ id }) => holderWords(id)))
    return warn(`the supervisor of ${counted(orphans.length, 'worker')} is gone: ${named}`, 'feedctl queue supervise')
  }
  if (supervisors.length > 0) {
    return ok(
      some(
        supervisors.map(
          ({ id, state, workers: own, ceiling }) => `${holderWords(id)} ${state}, ${own} of at most ${ceiling} workers`,
        ),
      ),
    )
  }
  return workers.length > 0
    ? ok(`no supervisor; ${counted(workers.length, 'worker')} that somebody else started`)
    : warn('neither a supervisor nor a worker runs', 'feedctl queue supervise')
}
