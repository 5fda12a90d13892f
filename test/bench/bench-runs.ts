import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import type { Row } from '../../src/bench/sync/rows.js'
import { BIN, type BinResult, runNode } from '../support/bin.js'
import type { TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import type { MariadbServer } from '../support/mariadb.js'
import type { RedisServer } from '../support/redis.js'

/** What a busy machine does to a figure; the tests that run beside this one make it one. */
const BUSY = /saturated|kept the machine busy|generator was late/

export interface BenchRun extends BinResult {
  readonly folder: string
}

/** A `feedctl bench` of the built bin, in a folder for temporary files of its own; `stopAt`: the words on stderr at which it is sent SIGTERM. */
export async function runBench(argv: readonly string[], env: TestEnv = {}, stopAt: string | null = null): Promise<BenchRun> {
  const folder = temporaryFolder()
  let isStopped = false
  const result = await runNode([BIN, 'bench', ...argv, '--progress', 'none'], {
    cwd: folder,
    env: { TMPDIR: folder, FEEDCTL_DATA: temporaryFolder(), PATH: process.env.PATH ?? '', ...env },
    onError: (err, kill) => {
      if (isStopped || stopAt === null || !err.includes(stopAt)) return
      isStopped = true
      kill('SIGTERM')
    },
  })
  return { ...result, folder }
}

export function rowsIn(out: string): Row[] {
  return (JSON.parse(out) as { rows: Row[] }).rows
}

/** Why figures do not count, but for a busy machine. */
export function faultsIn(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap(({ valid, why }) => (valid ? [] : (why?.split('; ') ?? []))))].filter(why => !BUSY.test(why))
}

export function figuresIn(rows: readonly Row[]): Record<string, number> {
  return Object.fromEntries(rows.map(row => [row.metric, row.measured ?? Number.NaN]))
}

/** What is left of a run: files, and processes whose temporary files went to its folder. */
export function leftOf({ folder }: BenchRun): string[] {
  const processes = !existsSync('/proc/self/environ')
    ? []
    : readdirSync('/proc').filter(pid => {
        try {
          return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder)
        } catch {
          return false
        }
      })
  return [...readdirSync(folder), ...processes]
}

/** Databases and keys on the servers. */
export async function onServers(mariadb: MariadbServer, redis: RedisServer): Promise<string[]> {
  const { host, port, username: user, password } = mariadb
  const connection = await createConnection({ host, port, user, password })
  const client = new Redis(redis.url)
  try {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW DATABASES')
    return [...rows.map(row => String(row.Database)), ...(await client.keys('*'))].sort()
  } finally {
    await connection.end()
    client.disconnect()
  }
}
