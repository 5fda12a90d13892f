import { readFileSync } from 'node:fs'

/** Linux counts processor time in hundredths of a second for every program that asks, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100

/** What a process has used since it started. */
export interface Usage {
  /** User and system time of all its threads; null where it cannot be known. */
  readonly cpuS: number | null
  /** Most memory it had resident at once; null where it cannot be known. */
  readonly peakRssBytes: number | null
}

/** Of a running process, ours or another; nulls when it has ended, and on systems without /proc. */
export function usageOf(pid: number): Usage {
  return { cpuS: readWith(`/proc/${pid}/stat`, cpuSecondsIn), peakRssBytes: readWith(`/proc/${pid}/status`, peakRssIn) }
}

/** This process's own: exact, for a process that says at its end what it took. */
export function ownUsage(): Usage {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  // The kernel's figure for maxRSS starts from the process that forked this one; that of /proc starts with the program.
  const peakRssBytes = usageOf(process.pid).peakRssBytes ?? maxRSS * 1024
  return { cpuS: (userCPUTime + systemCPUTime) / 1e6, peakRssBytes }
}

/** Of all children of this process that have ended, and of all of theirs, seconds; null where it cannot be known. */
export function childrenCpuS(): number | null {
  return readWith('/proc/self/stat', stat => secondsIn(stat, 14, 15))
}

/** Seconds in the text of /proc/<pid>/stat; null when there are none. */
export function cpuSecondsIn(stat: string): number | null {
  return secondsIn(stat, 12, 13)
}

/** proc(5): the process's own are fields 14 and 15, its children's 16 and 17; the second field may hold anything, and is left out with the first. */
function secondsIn(stat: string, user: number, system: number): number | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 1).split(' ')
  const ticks = Number(fields[user]) + Number(fields[system])
  return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null
}

/** Bytes in the text of /proc/<pid>/status; null when it has no VmHWM, as that of a process that has ended. */
export function peakRssIn(status: string): number | null {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  return kib === undefined ? null : Number(kib) * 1024
}

/** Processor time between two looks at the same processes; null when one of them could not be had. */
export function cpuBetween(before: readonly Usage[], after: readonly Usage[]): number | null {
  const sum = (all: readonly Usage[]) =>
    all.reduce<number | null>((total, { cpuS }) => (total === null || cpuS === null ? null : total + cpuS), 0)
  const [from, to] = [sum(before), sum(after)]
  return from === null || to === null ? null : to - from
}

/** The greatest; null when there is none. */
export function greatest(values: readonly (number | null)[]): number | null {
  return values.reduce((most, value) => (value === null ? most : Math.max(most ?? value, value)), null)
}

function readWith(path: string, read: (text: string) => number | null): number | null {
  try {
    return read(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}
