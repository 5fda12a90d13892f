import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, ok, type Verdict, warn } from '../check.js'
import type { MediaFacts } from '../media-facts.js'
import { nearestFolder } from '../nearest-folder.js'
import { counted, sizeWords, timeWords } from '../words.js'
import { onBucket } from './wasabi.js'

/** A migration that runs comes to each of its uploads far more often. */
const STILL_MS = 86_400_000
/** What is pruned once a day may be over for so long. */
const OVERDUE_MS = 86_400_000
/** As long as nobody has read a local copy for so long, nobody needs it. */
const UNREAD_MS = 259_200_000
const LITTLE_FREE = 0.1
const NOTHING = 'no media yet'

export const mediaMigration: Check = {
  id: 'media.migration',
  applies: onBucket,
  run: async parts => {
    const facts = await parts.media()
    return facts === null ? ok(NOTHING) : judgeMigration(facts, Date.now())
  },
}

export function judgeMigration(facts: MediaFacts, now: number): Verdict {
  const where = facts.more ? ` of the first ${counted(facts.tenants, 'tenant')}` : ''
  const faults: [evidence: string, fix: string][] = []
  if (facts.failed > 0)
    faults.push([
      `${counted(facts.failed, 'file')}${where} failed, most with ${facts.failure}`,
      'feedctl media migrate-to-wasabi --all, which says of each why',
    ])
  if (facts.uploadingSince !== null && now - facts.uploadingSince > STILL_MS)
    faults.push([
      `${counted(facts.uploading, 'upload')}${where} begun and not ended, the oldest ${timeWords(now - facts.uploadingSince)} ago`,
      'feedctl media migrate-to-wasabi --all',
    ])
  if (facts.overdueSince !== null && now - facts.overdueSince > OVERDUE_MS)
    faults.push([
      `${facts.overdue} local ${facts.overdue === 1 ? 'copy' : 'copies'}${where} to be removed since ${timeWords(now - facts.overdueSince)}`,
      'feedctl media prune',
    ])
  if (faults.length > 0) return warn(faults.map(([evidence]) => evidence).join('; '), faults[0]?.[1] ?? null)
  return ok(
    `${counted(facts.files, 'file')}${where}, ${facts.waiting === 0 ? 'none waits' : `${facts.waiting} wait`} for the bucket`,
  )
}

export const mediaLocalSpace: Check = {
  id: 'media.local-space',
  applies: onBucket,
  run: async parts => {
    const facts = await parts.media()
    if (facts === null) return ok(NOTHING)
    const { bavail, blocks } = await statfs(nearestFolder(join(parts.config.data, 'media')))
    return judgeLocalSpace(facts, bavail / blocks, Date.now())
  },
}

/** `freeShare`: of the disk with the local copies, 0 to 1. */
export function judgeLocalSpace({ doubled, doubledBytes, localReadAt }: MediaFacts, freeShare: number, now: number): Verdict {
  if (doubled === 0) return ok('no local copy of what the bucket keeps')
  const unreadMs = localReadAt === null ? null : now - localReadAt
  const read = unreadMs === null ? 'never read there' : `last read there ${timeWords(unreadMs)} ago`
  const copies = `${sizeWords(doubledBytes)} of local copies are in the bucket too, ${read}`
  const free = `${Math.floor(freeShare * 100)} % of the disk free`
  if (freeShare >= LITTLE_FREE) return ok(`${copies}; ${free}`)
  const fix = 'feedctl media migrate-to-wasabi --all --delete-local, then feedctl media prune when their grace is over'
  const needed = unreadMs !== null && unreadMs < UNREAD_MS
  return warn(`${copies}; ${free}`, needed ? 'whoever reads them to be led to the bucket: FILESYSTEM_DISK=wasabi' : fix)
}
