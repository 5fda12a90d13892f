import { Failure } from '../../kernel/errors.js'
import { openFilesLimit, portsPerAddress } from './processes.js'

/** Files that a process has open besides, and ports that others use. */
export const RESERVED_FILES = 500
/** Of the ports of an address, those that are surely free. */
export const FREE_PORTS_PART = 0.7

/** What this system lets a process have; null where it does not tell. */
export interface SystemLimits {
  readonly files: number | null
  readonly ports: number | null
}

export function systemLimits(): SystemLimits {
  return { files: openFilesLimit(), ports: portsPerAddress() }
}

/** So many connections of one process to one address can be opened, and no more than are wanted. */
export function connectionsUpTo(most: number, limits: SystemLimits = systemLimits()): number {
  const files = (limits.files ?? Number.POSITIVE_INFINITY) - RESERVED_FILES
  return Math.min(most, files, Math.floor((limits.ports ?? Number.POSITIVE_INFINITY) * FREE_PORTS_PART))
}

/** Connections of one process here to one address, before any is opened. @throws {Failure} CONFIG_INVALID which says what is to be raised */
export function checkConnections(connections: number, limits: SystemLimits = systemLimits()): void {
  const files = (limits.files ?? Number.POSITIVE_INFINITY) - RESERVED_FILES
  if (connections > files) {
    throw new Failure(
      'CONFIG_INVALID',
      `the load generator would open ${connections} connections, and may open ${limits.files} files`,
      {
        hint: `raise the limit: ulimit -n ${connections + RESERVED_FILES}${files > 0 ? `, or --connections ${files}` : ''}`,
      },
    )
  }
  const ports = Math.floor((limits.ports ?? Number.POSITIVE_INFINITY) * FREE_PORTS_PART)
  if (connections > ports) {
    throw new Failure(
      'CONFIG_INVALID',
      `an address has ${limits.ports} ports for connections, not all of them free: too few for ${connections} to one server`,
      { hint: `sysctl net.ipv4.ip_local_port_range="10000 65000", or --connections ${ports}` },
    )
  }
}
