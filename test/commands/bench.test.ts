import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServers } from '../bench/bench-runs.js'
import { BIN, runNode } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import type { TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'
import { type RedisServer, startRedis } from '../support/redis.js'

const SMALL = ['--tenants', '4', '--feeds-per-tenant', '2', '--items', '5', '--item-bytes', '300', '--repeat', '1']
/** What `--progress json` shows when a cold sync has run for a second. */
const IN_COLD_SYNC = /"progress":"cold sync"/
/** Dozens of processes are started, on a machine that may be busy with other tests. */
const PATIENTLY = { timeout: 300_000 }
const ON_SERVERS = { CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' }

interface BenchRow {
  readonly metric: string
  readonly measured: number | null
  readonly target: number | null
  readonly pass: boolean | null
  readonly valid: boolean
  readonly why: string | null
}

/** `feedctl bench sync` of the built bin, with a folder for temporary files of its own. */
async function bench(
  flags: readonly string[],
  env: TestEnv = {},
  stop?: { readonly at: RegExp; readonly signal: NodeJS.Signals; readonly before?: (folder: string) => void },
) {
  const folder = temporaryFolder()
  let stopped = false
  const result = await runNode([BIN, 'bench', 'sync', ...flags], {
    cwd: folder,
    env: { TMPDIR: folder, FEEDCTL_DATA: temporaryFolder(), ...env },
    onError: (err, kill) => {
      if (stopped || stop === undefined || !stop.at.test(err)) return
      stopped = true
      stop.before?.(folder)
      kill(stop.signal)
    },
  })
  return { ...result, folder }
}

/** Numbers of processes whose temporary files go to the folder. */
function processesOf(folder: string): string[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder)
    } catch {
      return false
    }
  })
}

function rowsIn(out: string): BenchRow[] {
  return (JSON.parse(out) as { rows: BenchRow[] }).rows
}

describe('feedctl bench', () => {
  test('names the scenarios that there are to who asks for another', async () => {
    const words = 'there is no scenario "weather": this version has analytics, api, guide, media, queue, sync, tenants'
    const refused = { exit: 2, out: '', err: `error: ${words} (USAGE)\n  try: feedctl bench sync\n` }
    expect(await runCli(['bench', 'weather'])).toEqual(refused)
  })

  test('is about the guide unless it is told otherwise', async () => {
    const flags = ['--phase', 'mvp', '--only', 'sync']
    const words = 'error: the guide claims nothing of sync for the phase mvp (USAGE)\n  try: feedctl bench guide\n'
    for (const argv of [
      ['bench', ...flags],
      ['bench', 'guide', ...flags],
    ])
      expect(await runCli(argv)).toEqual({ exit: 2, out: '', err: words })
    expect(await runCli(['bench', '--only', 'weather'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('There is no claim "weather".'),
    })
  })

  test('refuses a load that cannot be, and drivers that cannot share', async () => {
    const tooMany = await runCli(['bench', 'sync', '--tenants', '2', '--feeds-per-tenant', '2', '--distinct', '5'])
    expect(tooMany).toMatchObject({ exit: 2, err: expect.stringContaining('--distinct 5 is not from 2 to 4') })
    const alone = await runCli(['bench', 'sync', ...SMALL], { env: { QUEUE_CONNECTION: 'redis' } })
    expect(alone).toMatchObject({ exit: 3, err: expect.stringMatching(/\(CONFIG_INVALID\)\n {2}try: CACHE_DRIVER=redis\n$/) })
  })
})

describe('feedctl bench sync, embedded', PATIENTLY, () => {
  test('measures cold and warm syncs as one JSON document, and leaves nothing', async () => {
    const { exit, out, err, folder } = await bench([...SMALL, '--distinct', '6', '--json', '--assert', '--progress', 'none'])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    const result = JSON.parse(out)
    expect(result).toMatchObject({
      scenario: 'sync',
      machine: {
        cpus: expect.any(Number),
        node: process.versions.node,
        drivers: { db: 'sqlite', cache: 'memory', queue: 'sync' },
      },
      settings: { tenants: 4, feeds_per_tenant: 2, distinct: 6, items: 5, workers: 0, placement: 'dedicated' },
      model: null,
      runs: [
        {
          posts_stored: 40,
          cold: { requests: 6, not_modified: 0, posts: { new: 40, updated: 0 }, cpu_s: { workers: null }, faults: [] },
          warm: Array(3).fill({ requests: 6, not_modified: 6, bytes: 0, posts: { new: 0, updated: 0 }, faults: [] }),
        },
      ],
    })
    expect(Object.keys(result.rows[0])).toEqual([
      'phase',
      'metric',
      'target',
      'measured',
      'min',
      'max',
      'samples',
      'pass',
      'valid',
      'why',
      'verdict',
    ])
    const rows = rowsIn(out)
    expect(rows.filter(row => !row.valid || row.pass !== null || row.why !== null)).toEqual([])
    expect(rows.filter(row => row.measured === null || row.measured <= 0)).toEqual([])
    expect(rows.find(row => row.metric === 'requests_cold')?.measured).toBe(6)
    expect(result.runs[0].cold.wall_ms).toBeGreaterThan(result.runs[0].cold.sync_ms)
    expect(readdirSync(folder)).toEqual([])
    expect(processesOf(folder)).toEqual([])
  })

  test('is a table for people, keeps what it made when asked to, and says where', async () => {
    const { exit, out, err, folder } = await bench([...SMALL, '--placement', 'shared', '--keep'])
    expect(exit).toBe(0)
    expect(out).toMatch(/^sync of 8 feeds in 4 tenants \(shared\), 8 sources of 5 posts/)
    expect(out).toMatch(/\ncold +\d+\.\d\d .*\nwarm +\d+\.\d\d /)
    const [kept = ''] = readdirSync(folder)
    expect(err).toContain(`kept: ${folder}/${kept}\n`)
    expect(readdirSync(`${folder}/${kept}/storage/databases`).filter(name => name.endsWith('.db'))).toHaveLength(2)
    expect(processesOf(folder)).toEqual([])
  })

  test('never calls figures valid that are not, and exits 8 under --assert', async () => {
    const env = { FEEDCTL_FETCH_MAX_BYTES: '1024' }
    const { exit, out, err, folder } = await bench([...SMALL, '--json', '--assert', '--progress', 'none'], env)
    expect(exit).toBe(8)
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'CHECK_FAILED' } })
    const cold = rowsIn(out).find(row => row.metric === 'sync_cold_s')
    expect(cold).toMatchObject({ valid: false, why: expect.stringContaining('posts in the tables: 0 instead of 40') })
    expect(readdirSync(folder)).toEqual([])
  })

  test.runIf(existsSync('/proc/self/environ'))('leaves no process behind even when it is killed', async () => {
    let running = 0
    const flags = [...SMALL, '--latency-ms', '20000', '--progress', 'json']
    const { exit, folder } = await bench(
      flags,
      {},
      {
        at: IN_COLD_SYNC,
        signal: 'SIGKILL',
        before: seen => {
          running = processesOf(seen).length
        },
      },
    )
    expect({ exit, running }).toEqual({ exit: null, running: 3 })
    await expect.poll(() => processesOf(folder), { timeout: 60_000 }).toEqual([])
  })

  test('removes what it made when it cannot go on', async () => {
    const env = { ...ON_SERVERS, REDIS_URL: 'redis://127.0.0.1:1' }
    const { exit, err, folder } = await bench(SMALL, env)
    expect(exit).toBe(5)
    expect(err).toMatch(/error: Redis does not answer: connect ECONNREFUSED .* \(UNAVAILABLE\)\n/)
    expect(readdirSync(folder)).toEqual([])
    expect(processesOf(folder)).toEqual([])
  })
})

describe('feedctl bench sync, on MariaDB and Redis', PATIENTLY, () => {
  // Of its own: what other benchmarks have on those of the run is there at one moment, and gone at the next.
  let mariadb: MariadbServer
  let redis: RedisServer
  beforeAll(async () => {
    mariadb = await startMariadb()
    redis = await startRedis()
  })
  afterAll(async () => {
    await mariadb?.dispose()
    await redis?.dispose()
  })
  const servers = (): TestEnv => ({ ...ON_SERVERS, ...mariadb.env, ...redis.env })

  test('measures with workers, round after round, and leaves nothing on the servers', async () => {
    const before = await onServers(mariadb, redis)
    const { exit, out, err, folder } = await bench([...SMALL, '--repeat', '2', '--json', '--progress', 'none'], servers())
    expect({ exit, err }).toEqual({ exit: 0, err: 'round 1 of 2\nround 2 of 2\n' })
    const result = JSON.parse(out)
    expect(result.machine.drivers).toEqual({ db: 'mysql', cache: 'redis', queue: 'redis' })
    expect(result.settings).toMatchObject({ workers: 2, repeat: 2 })
    expect(result.runs).toHaveLength(2)
    for (const run of result.runs) expect(run).toMatchObject({ posts_stored: 40, cold: { requests: 8, faults: [] } })
    expect(result.runs[0].cold.peak_rss_bytes.workers).toBeGreaterThan(10_000_000)
    expect(rowsIn(out).filter(row => !row.valid)).toEqual([])
    expect(await onServers(mariadb, redis)).toEqual(before)
    expect(readdirSync(folder)).toEqual([])
    expect(processesOf(folder)).toEqual([])
  })

  test('ends with 130 on Ctrl-C in mid-sync, and leaves nothing on the servers', async () => {
    const before = await onServers(mariadb, redis)
    const flags = [...SMALL, '--latency-ms', '3000', '--json', '--progress', 'json']
    const { exit, out, err, folder } = await bench(flags, servers(), { at: IN_COLD_SYNC, signal: 'SIGINT' })
    expect({ exit, out }).toEqual({ exit: 130, out: '' })
    expect(err).toContain('"code":"INTERRUPTED"')
    expect(err).not.toContain('could not remove')
    expect(await onServers(mariadb, redis)).toEqual(before)
    expect(readdirSync(folder)).toEqual([])
    expect(processesOf(folder)).toEqual([])
  })
})
