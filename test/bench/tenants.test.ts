import { readdirSync } from 'node:fs'
import { createConnection } from 'mysql2/promise'
import { describe, expect, inject, test } from 'vitest'
import type { Row } from '../../src/bench/sync/rows.js'
import { rowsOf } from '../../src/bench/tenants/rows.js'
import { BIN, runNode } from '../support/bin.js'
import { sharedMariadbEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'

const SMALL = ['--dedicated', '3', '--shared', '30', '--sign-ups', '2', '--repeat', '2']

describe('feedctl bench tenants', () => {
  test('measures what it promises, and leaves nothing behind', { timeout: 180_000 }, async () => {
    const folder = temporaryFolder()
    const mariadb = sharedMariadbEnv()
    const REDIS_URL = `${inject('redis').url}/6`
    const env = {
      ...mariadb,
      TMPDIR: folder,
      FEEDCTL_DATA: temporaryFolder(),
      REDIS_URL,
      QUEUE_CONNECTION: 'redis',
      CACHE_DRIVER: 'redis',
    }
    const { exit, out, err } = await runNode([BIN, 'bench', 'tenants', '--json', '--progress', 'none', ...SMALL], {
      cwd: folder,
      env,
    })
    expect({ exit, err }).toEqual({ exit: 0, err: 'round 1 of 2\nround 2 of 2\n' })
    const { rows, settings } = JSON.parse(out) as { rows: Row[]; settings: { dedicated: number } }
    expect(settings.dedicated).toBe(3)
    expect(rows.filter(row => !row.valid)).toEqual([])
    const measured = Object.fromEntries(rows.map(row => [row.metric, row.measured]))
    expect(rows.find(row => row.metric === 'sync_detach_s')).toMatchObject({ samples: 2 })
    for (const metric of [
      'bare_ddl_per_s',
      'dedicated_ratio',
      'migrate_nothing_ms',
      'sign_up_ms',
      'show_ms',
      'sign_up_spare_ms',
      'shared_s',
      'sync_detach_s',
    ])
      expect(measured[metric]).toBeGreaterThan(0)
    expect(readdirSync(folder)).toEqual([])
    const { DB_HOST = '', DB_PORT, DB_USERNAME = '', DB_PASSWORD = '' } = mariadb as Record<string, string>
    const login = { host: DB_HOST, port: Number(DB_PORT), user: DB_USERNAME, password: DB_PASSWORD }
    const connection = await createConnection(login)
    const [left] = await connection.query(
      "select schema_name from information_schema.schemata where schema_name like '%\\_bare\\_%'",
    )
    await connection.end()
    expect(left).toEqual([])
  })

  test('fails a ratio under its target and a time over it, and calls a run that added too few jobs not valid', () => {
    const load = { dedicated: 100, shared: 10, signUps: 1, repeat: 1 }
    const reads = { first: [1], middle: [1], show: [1] }
    const round = { migrateNothingMs: [3, 1_200, 1_500], signUps: { alone: [9], spare: [2] }, sharedMs: 5, reads }
    const of = (tenantsMs: number, added: number) => rowsOf(load, [roundOf(tenantsMs, added)])
    const roundOf = (tenantsMs: number, added: number) => ({
      ...{ ...round, made: { bareMs: [700], tenantsMs: [tenantsMs], count: 100 }, detached: { ms: 5, added } },
    })
    const row = (rows: readonly Row[], metric: string) => rows.find(one => one.metric === metric)
    expect(row(of(800, 112), 'migrate_nothing_ms')).toMatchObject({ target: 1_000, measured: 1_200, pass: false })
    expect(row(of(1_000, 112), 'dedicated_ratio')).toMatchObject({ measured: 0.7, pass: false, valid: true })
    expect(row(of(800, 112), 'dedicated_ratio')).toMatchObject({ measured: 0.875, pass: true })
    expect(row(of(800, 112), 'sync_detach_s')).toMatchObject({ pass: true, valid: true })
    expect(row(of(800, 111), 'sync_detach_s')).toMatchObject({ pass: false, valid: false, why: '111 of 112 jobs were added' })
    const three = rowsOf(load, [roundOf(800, 112), roundOf(1_000, 112), roundOf(1_000, 111)])
    expect(row(three, 'dedicated_ratio')).toMatchObject({ measured: 0.75, min: 0.7, max: 0.875, samples: 3 })
    expect(row(three, 'dedicated_s')).toMatchObject({ measured: 1, min: 0.8, max: 1, samples: 3 })
    expect(row(three, 'sync_detach_s')).toMatchObject({ samples: 3, valid: false })
  })
})
