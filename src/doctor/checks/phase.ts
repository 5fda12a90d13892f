import { AS_IT_IS, type Capacity, lookAtCapacity } from '../../capacity/capacity.js'
import { type Check, ok, queueOnRedis, type Verdict, warn } from '../check.js'
import type { Parts } from '../parts.js'
import { some } from '../words.js'

const WORDS = { tenants: 'tenants', concurrent_users: 'concurrent users', requests_per_s: 'requests/s' } as const

export const phaseOutgrown: Check = {
  id: 'phase.outgrown',
  run: async parts => {
    const catalog = await parts.catalog()
    const around = { catalog, config: parts.config, hasWorkers: await hasWorkers(parts) }
    return judgePhase(await lookAtCapacity(around, AS_IT_IS, Date.now()))
  },
}

/** Whether what is there is what the phase that the load is of needs. */
export function judgePhase({ plan, missing }: Pick<Capacity, 'plan' | 'missing'>): Verdict {
  const used = `phase ${plan.phase}, ${plan.usedPercent} % of it used by ${WORDS[plan.limit]}`
  const byHand = missing.filter(({ isByHand }) => isByHand)
  const evidence = byHand.length === 0 ? used : `${used}; to be checked by hand: ${idsOf(byHand)}`
  if (plan.isBeyond)
    return warn(`${evidence}: more than any phase is known to carry`, 'feedctl bench, and feedctl capacity --explain')
  const lacking = missing.filter(({ isByHand }) => !isByHand)
  const [first] = lacking
  if (first === undefined) return ok(evidence)
  return warn(
    `${evidence}; not there yet, of what it needs: ${idsOf(lacking)}`,
    `${first.command}; feedctl capacity has all of it, in order`,
  )
}

function idsOf(steps: Capacity['missing']): string {
  return some(
    steps.map(({ id }) => id),
    5,
  )
}

/** Null where the board does not answer: other checks say so. */
async function hasWorkers(parts: Parts): Promise<boolean | null> {
  if (!queueOnRedis(parts.config)) return false
  try {
    const [supervisors, workers] = await Promise.all([(await parts.board()).supervisors(), parts.workers()])
    return supervisors.length > 0 || workers.length > 0
  } catch {
    return null
  }
}
