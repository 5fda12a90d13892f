import { statfs } from 'node:fs/promises'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { nearestFolder } from '../nearest-folder.js'
import { sizeWords } from '../words.js'

const MIB = 1024 * 1024

export const diskSpace: Check = {
  id: 'disk.space',
  run: async ({ config }) => {
    const { bavail, blocks, bsize } = await statfs(nearestFolder(config.data))
    return judgeSpace({ freeBytes: bavail * bsize, totalBytes: blocks * bsize }, config.data)
  },
}

/** Shares count on small disks, sizes on large ones. */
export function judgeSpace({ freeBytes, totalBytes }: { freeBytes: number; totalBytes: number }, folder: string): Verdict {
  const evidence = `${sizeWords(freeBytes)} of ${sizeWords(totalBytes)} free under ${folder}`
  const less = (share: number, mib: number) => freeBytes < Math.min(totalBytes * share, mib * MIB)
  const fix = 'free space, or move FEEDCTL_DATA to a larger disk; feedctl feed prune deletes old posts'
  if (less(0.02, 256)) return fail(evidence, fix)
  return less(0.1, 2_048) ? warn(evidence, fix) : ok(evidence)
}
