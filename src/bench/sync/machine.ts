import { cpus, release, totalmem, type } from 'node:os'
import type { Config } from '../../kernel/config.js'

export interface Drivers {
  readonly db: Config['dbConnection']
  readonly cache: Config['cacheDriver']
  readonly queue: Config['queueConnection']
}

/** What a result was measured on. */
export interface Machine {
  readonly cpus: number
  readonly cpuModel: string
  readonly memoryBytes: number
  readonly node: string
  readonly os: string
  readonly drivers: Drivers
}

export function describeMachine(config: Config): Machine {
  const cores = cpus()
  return {
    cpus: cores.length,
    cpuModel: cores[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    node: process.versions.node,
    os: `${type()} ${release()}`,
    drivers: driversOf(config),
  }
}

export function driversOf(config: Config): Drivers {
  return { db: config.dbConnection, cache: config.cacheDriver, queue: config.queueConnection }
}
