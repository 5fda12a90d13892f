import type { BigIntStats } from 'node:fs'

/** What a file is known by without reading it: differs as soon as it was written, replaced, renamed or touched. */
export function identityOf(stat: Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino'>): string {
  return `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.ino}`
}
