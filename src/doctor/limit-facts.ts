import { readFile } from 'node:fs/promises'

/** What the system allows; null for what it does not tell. */
export interface SystemLimits {
  /** Files and sockets that a process may have open: of this one, which Node has raised as far as it may be. Infinity without a bound. */
  readonly openFiles: number | null
  /** Ports for connections that this machine begins. */
  readonly ephemeralPorts: number | null
  /** Connections that may wait to be accepted. */
  readonly backlog: number | null
}

/** Of Linux. */
export async function readSystemLimits(): Promise<SystemLimits> {
  const [limits, range, backlog] = await Promise.all([
    readOrNull('/proc/self/limits'),
    readOrNull('/proc/sys/net/ipv4/ip_local_port_range'),
    readOrNull('/proc/sys/net/core/somaxconn'),
  ])
  return { openFiles: openFilesIn(limits), ephemeralPorts: portsIn(range), backlog: numberIn(backlog) }
}

/** The soft limit, in what `/proc/self/limits` holds. */
export function openFilesIn(limits: string | null): number | null {
  const said = /^Max open files\s+(\S+)/m.exec(limits ?? '')?.[1]
  return said === 'unlimited' ? Number.POSITIVE_INFINITY : numberIn(said ?? null)
}

export function portsIn(range: string | null): number | null {
  const [, first, last] = /^(\d+)\s+(\d+)\s*$/.exec(range ?? '') ?? []
  return first === undefined || last === undefined ? null : Number(last) - Number(first) + 1
}

function numberIn(text: string | null): number | null {
  return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null
}

/** Where /proc is closed to us, nothing is known. */
function readOrNull(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null)
}
