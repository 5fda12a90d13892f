import type { AppHost, Scale } from '../description/scale.js'

/** What a process of the API takes with its caches, as it was measured, and room for more. */
const API_PROCESS_MB = 400
/** The supervisor, the scheduler, and the system. */
const REST_MB = 768
const LEAST_WORKERS_MB = 256
/** Most that feedctl asks of one server of a machine beside its processes: a person's command, `tenant migrate`. */
const COMMANDS = 2

export interface Budgets {
  /** Of all workers of the machine. */
  readonly workersMemoryMb: number
  /** To the database, of all workers of the machine. */
  readonly workersConnections: number
  /** To the database, of everything on the machine. */
  readonly connections: number
}

/** What the processes of a machine may take: connections are `pool` for each process of feedctl. */
export function budgets({ app }: Scale, host: AppHost): Budgets {
  const has = (role: AppHost['roles'][number]) => host.roles.includes(role)
  const api = has('api') ? app.processes : 0
  const workers = has('workers') ? app.workers.max : 0
  const others = (has('workers') ? 1 : 0) + (has('scheduler') ? 1 : 0)
  return {
    workersMemoryMb: Math.max(LEAST_WORKERS_MB, app.memory_mb - REST_MB - api * API_PROCESS_MB),
    workersConnections: app.workers.max * app.pool,
    connections: (api + workers + others) * app.pool,
  }
}

/** `max_connections` of the primary: every process of every machine at its full budget, commands, and what is kept for others. */
export function maxConnections(scale: Scale): number {
  const all = scale.app.hosts.reduce((sum, host) => sum + budgets(scale, host).connections, 0)
  return all + COMMANDS * scale.app.pool + scale.database.spare_connections
}

/** `max_connections` of the replica: only processes of the API read there, and a rolling restart has some of them twice. */
export function maxReplicaConnections(scale: Scale): number {
  const processes = scale.app.hosts.filter(host => host.roles.includes('api')).length * scale.app.processes
  return 2 * processes * scale.app.pool + scale.database.spare_connections
}
