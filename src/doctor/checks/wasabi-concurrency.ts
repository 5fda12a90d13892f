import type { Burst } from '../../media/disks/index.js'
import { type Check, ok, type Verdict, warn } from '../check.js'
import { onBucket } from './wasabi.js'

/** More requests in flight are worth it when they bring more than this. */
const WORTH = 1.1
const LEVELS = [4, 8, 16, 32] as const
const BURST_MS = 450

export const wasabiConcurrency: Check = {
  id: 'wasabi.concurrency',
  applies: onBucket,
  takesTurns: true,
  run: async parts => judgeBursts(await (await parts.bucket()).bursts(LEVELS, BURST_MS)),
}

/** The fewest in flight that do nearly as well as the best; what was throttled, or failed, is no best. */
export function judgeBursts(bursts: readonly Burst[]): Verdict {
  const rates = bursts.map(({ inFlight, perS }) => `${Math.round(perS)}/s at ${inFlight}`).join(', ')
  const calm = bursts.filter(({ throttled, failed }) => throttled + failed === 0)
  const most = Math.max(...calm.map(({ perS }) => perS))
  const best = calm.find(({ perS }) => perS * WORTH >= most)
  if (best === undefined)
    return warn(
      `small files are refused even a few at a time: ${rates}`,
      'feedctl media migrate-to-wasabi --concurrency 1, at night',
    )
  const slowed = bursts.filter(({ throttled }) => throttled > 0).map(({ inFlight }) => inFlight)
  const limit = slowed.length > 0 ? `, throttled at ${slowed.join(' and ')}` : ''
  return ok(`small files: ${rates}${limit}; best --concurrency ${best.inFlight}, which auto finds too`)
}
