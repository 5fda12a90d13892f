import { cpus } from 'node:os'
import { keepResult } from '../../src/bench/results/history.js'

export interface GivenRow {
  readonly phase: string
  readonly metric: string
  readonly measured: number
  readonly valid?: boolean
}

export interface GivenResult {
  readonly scenario?: 'api' | 'guide' | 'queue'
  /** Epoch ms. */
  readonly at?: number
  readonly drivers?: { readonly db: string; readonly cache: string; readonly queue: string }
  readonly rows?: readonly GivenRow[]
  readonly model?: object | null
  readonly modelHolds?: boolean
  readonly cpus?: number
  readonly settings?: object
}

/** Keeps a result as `feedctl bench` would have printed it. */
export function keepGiven(data: string, given: GivenResult): Promise<string> {
  const { scenario = 'guide', at = Date.now(), model = null, settings = {} } = given
  const scaling = { phase: null, metric: 'scaling_knee_processes', measured: 30, valid: given.modelHolds ?? true }
  const rows = [...(given.rows ?? []), ...(model === null ? [] : [scaling])]
  const cores = cpus()
  const drivers = given.drivers ?? { db: 'sqlite', cache: 'memory', queue: 'sync' }
  const printed = {
    scenario,
    machine: {
      ...{ cpus: given.cpus ?? cores.length, cpu_model: cores[0]?.model.trim(), memory_bytes: 8e9 },
      ...{ node: '24.0.0', os: 'Linux 6', drivers },
    },
    settings,
    rows: rows.map(({ phase, metric, measured, valid = true }) => ({
      ...{ phase, metric, target: 1, measured, min: measured, max: measured, samples: 3 },
      ...{ pass: valid, valid, why: valid ? null : 'the generator was saturated' },
    })),
    model,
  }
  return keepResult(data, scenario, new Date(at), JSON.stringify(printed))
}

export const MODEL = { lambda: 1_000, sigma: 0.1, kappa: 0.001, knee: 30, most_processes: 12, bottleneck: 'contention' }
