import type { Config } from '../../kernel/config.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { readSystemLimits } from '../limit-facts.js'

const onLinux = (): boolean => process.platform === 'linux'

/** Of Node, its libraries, Redis, logs and timers. */
const BASE_FILES = 64
/** An SQLite database has its file, its log and its shared memory open. */
const FILES_PER_SQLITE = 3
/** Database hosts of which a process holds connections at the same time. */
const HOSTS = 4
/** Connections of clients that a process of the API has room for, at least: as many as the guide's phase Scale has users. */
const CLIENTS = 1_000
/** Node asks for so many. */
const BACKLOG = 511
/** Half of what Linux gives: a load balancer needs one for each connection to the API. */
const PORTS = 14_116

export const limitsOpenFiles: Check = {
  id: 'limits.open-files',
  applies: onLinux,
  run: async ({ config }) => judgeOpenFiles((await readSystemLimits()).openFiles, config),
}

/** Limits of this process: those of a service are its unit's. */
export function judgeOpenFiles(
  limit: number | null,
  config: Pick<Config, 'dbConnection' | 'dbPool' | 'openFiles' | 'fetchConcurrency'>,
): Verdict {
  if (limit === null) return ok('this system does not tell how many files may be open')
  const databases = config.dbConnection === 'sqlite' ? config.openFiles * FILES_PER_SQLITE : config.dbPool * HOSTS
  const worker = BASE_FILES + databases + config.fetchConcurrency
  const words = Number.isFinite(limit) ? `${limit} files may be open` : 'any number of files may be open'
  const evidence = `${words}; a worker needs ${worker}, and a process of the API ${CLIENTS} more for its clients`
  const fix = 'LimitNOFILE=65536 in the unit, or ulimit -n 65536'
  if (limit < worker) return fail(evidence, fix)
  return limit < worker + CLIENTS ? warn(evidence, fix) : ok(evidence)
}

export const limitsBacklog: Check = {
  id: 'limits.backlog',
  applies: onLinux,
  run: async () => judgeBacklogLimit((await readSystemLimits()).backlog),
}

export function judgeBacklogLimit(backlog: number | null): Verdict {
  if (backlog === null) return ok('this system does not tell how many connections may wait')
  const evidence = `${backlog} connections may wait to be accepted`
  return backlog < BACKLOG
    ? warn(`${evidence}; the API asks for ${BACKLOG}: a burst is refused`, lasting('net.core.somaxconn=4096'))
    : ok(evidence)
}

export const limitsPorts: Check = {
  id: 'limits.ports',
  applies: onLinux,
  run: async () => judgePorts((await readSystemLimits()).ephemeralPorts),
}

export function judgePorts(ports: number | null): Verdict {
  if (ports === null) return ok('this system does not tell its ports')
  const evidence = `${ports} ports for connections that begin here`
  return ports < PORTS
    ? warn(`${evidence}: a load balancer on this machine runs out of them`, lasting('net.ipv4.ip_local_port_range=15000 60999'))
    : ok(evidence)
}

/** `sysctl -w` is forgotten at the next start. */
function lasting(setting: string): string {
  return `${setting} in /etc/sysctl.d/90-feedctl.conf, then sudo sysctl --system`
}
