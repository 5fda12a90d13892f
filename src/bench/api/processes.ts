import { readdirSync, readFileSync } from 'node:fs'

/** The process and all that descend from it and are alive; only itself where there is no /proc. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of namesIn('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = textOf(`/proc/${name}/stat`)
    if (stat !== null) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2]))
  }
  const tree = [pid]
  for (const one of tree) for (const [child, parent] of parents) if (parent === one) tree.push(child)
  return tree
}

/** Memory that the processes have resident now, bytes; null where it cannot be known. */
export function residentBytes(pids: readonly number[]): number | null {
  let sum = 0
  for (const pid of pids) {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`) ?? '')?.[1]
    if (kib === undefined) return null
    sum += Number(kib) * 1024
  }
  return sum
}

/** Files and sockets that a process started by this one may have open; null where it cannot be known. */
export function openFilesLimit(): number | null {
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(textOf('/proc/self/limits') ?? '')?.[1]
  return limit === undefined ? null : Number(limit)
}

/** Ports that connections out of one address may have; null where it cannot be known. */
export function portsPerAddress(): number | null {
  const range = /^(\d+)\s+(\d+)/.exec(textOf('/proc/sys/net/ipv4/ip_local_port_range') ?? '')
  return range === null ? null : Number(range[2]) - Number(range[1]) + 1
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
