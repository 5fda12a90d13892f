import { readFileSync } from 'node:fs'
import type { ThreadStrain } from './order.js'

/** Watches the thread that makes it, from then on. */
export class StrainWatch {
  private loop = performance.eventLoopUtilization()
  private cpuMs = threadCpuMs()
  private since = performance.now()

  /** Since it was made, or asked the last time. */
  take(): ThreadStrain {
    const [cpuMs, now, loop] = [threadCpuMs(), performance.now(), performance.eventLoopUtilization()]
    const loopShare = performance.eventLoopUtilization(loop, this.loop).utilization
    const cpuShare = cpuMs === null || this.cpuMs === null ? null : (cpuMs - this.cpuMs) / (now - this.since)
    this.loop = loop
    this.cpuMs = cpuMs
    this.since = now
    return { loopShare, cpuShare }
  }
}

/** Processor time of the calling thread, ms; null where the system does not tell. */
function threadCpuMs(): number | null {
  // proc(5): the first of three fields is nanoseconds spent running.
  const ns = Number(textOf('/proc/thread-self/schedstat')?.split(' ')[0])
  return Number.isFinite(ns) ? ns / 1e6 : null
}

/** Time of all cores since the machine was started, in ticks; null where the system does not tell. */
export interface CoreTime {
  readonly idle: number
  readonly all: number
}

export function coreTime(): CoreTime | null {
  // proc(5): user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user's already.
  const fields = /^cpu +(.*)$/m
    .exec(textOf('/proc/stat') ?? '')?.[1]
    ?.split(' ')
    .slice(0, 8)
    .map(Number)
  if (fields === undefined || !fields.every(Number.isFinite)) return null
  return { idle: (fields[3] ?? 0) + (fields[4] ?? 0), all: fields.reduce((sum, one) => sum + one, 0) }
}

/** Part of all cores that nobody used between two looks; null where it cannot be known. */
export function idleBetween(before: CoreTime | null, after: CoreTime | null): number | null {
  if (before === null || after === null || after.all <= before.all) return null
  return (after.idle - before.idle) / (after.all - before.all)
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
