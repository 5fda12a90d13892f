import { z } from 'zod'
import { Failure } from '../../kernel/errors.js'

const number = z.number().nullable()

/** A figure as `feedctl bench ... --json` prints it. */
const ROW = z.object({
  phase: z.string().nullable(),
  metric: z.string(),
  target: number,
  at_least: z.literal(true).optional(),
  measured: number,
  min: number,
  max: number,
  /** Of how many looks it is the median; older results do not tell. */
  samples: z.number().optional(),
  pass: z.boolean().nullable(),
  valid: z.boolean(),
  why: z.string().nullable(),
})

const MODEL = z.object({
  lambda: z.number(),
  sigma: z.number(),
  kappa: z.number(),
  knee: number,
  most_processes: z.number(),
  bottleneck: z.enum(['contention', 'coherency', 'none']),
})

const RESULT = z.object({
  scenario: z.string(),
  /** When the measurement began; older results do not tell, nor the version. */
  at: z.iso.datetime().optional(),
  version: z.string().optional(),
  machine: z.object({
    cpus: z.number(),
    cpu_model: z.string(),
    memory_bytes: z.number(),
    node: z.string(),
    os: z.string(),
    drivers: z.object({ db: z.string(), cache: z.string(), queue: z.string() }),
  }),
  settings: z.record(z.string(), z.unknown()),
  rows: z.array(ROW),
  model: MODEL.nullable(),
  /** What it was compared with, if it was. */
  baseline: z.object({ rows: z.array(z.object({ verdict: z.string() })) }).optional(),
})

/** A result as it was printed. */
export type StoredBench = z.infer<typeof RESULT>
export type StoredRow = StoredBench['rows'][number]

/** @param name of where it is from, for the words @throws {Failure} FILE_UNREADABLE for what no benchmark printed */
export function readStored(text: string, name: string): StoredBench {
  try {
    return RESULT.parse(JSON.parse(text))
  } catch (error) {
    throw new Failure('FILE_UNREADABLE', `${name} is no result of feedctl bench`, {
      hint: 'a file that `feedctl bench ... --json` wrote',
      cause: error,
    })
  }
}
