import { expect, test } from 'vitest'
import { asText } from '../../../commands/bench/guide-text.js'
import type { GuideBenchResult } from '../../../src/bench/guide/bench.js'
import { CLAIM_NAMES } from '../../../src/bench/guide/claims.js'
import { judge, least, most, type Row } from '../../../src/bench/judging.js'
import { PLAIN } from '../../../src/cli/style.js'

const look = (value: number | null, ...faults: string[]) => [{ value, faults }]
const slow: Row = {
  ...judge('growth', 'concurrent_users', look(100), least(200)),
  why: '1 answer of 100 took more than 200.0 ms: the goal is 150 ms',
}
const rows: readonly Row[] = [
  judge('mvp', 'tenants', look(100), least(100)),
  judge('mvp', 'concurrent_users', look(50), least(50)),
  judge('mvp', 'users_p99_ms', look(12.34), most(150)),
  judge('growth', 'tenants', look(null, 'the disk is full'), least(500)),
  slow,
  judge('growth', 'users_p99_ms', look(200), most(150)),
  judge('growth', 'eager_saved_percent', look(95.238), least(90)),
  judge('scale', 'sync_1000_tenants_s', look(400.4), most(300)),
]
const result: GuideBenchResult = {
  scenario: 'guide',
  machine: {
    ...{ cpus: 2, cpuModel: 'A Processor', memoryBytes: 8_000_000_000, node: '24.0.0', os: 'Linux 6.1' },
    drivers: { db: 'mysql', cache: 'redis', queue: 'redis' },
  },
  settings: {
    ...{ phases: ['mvp', 'growth'], claims: CLAIM_NAMES, tenants: 100, requests: 20_000, writeEvery: 100, syncTenants: 1_000 },
    ...{ goalMs: 150, duration: 10, repeat: 1, apiProcesses: 1, holdingProcesses: 2, syncWorkers: 10 },
  },
  rows,
  model: {
    ...{
      lambda: 3_100.4,
      sigma: 0.1234,
      kappa: 0.01,
      knee: 9.4,
      kneeInterval: [8, 10],
      rSquared: 1,
      points: [],
      mostProcesses: 24,
    },
    ...{ bottleneck: 'contention', intervals: { lambda: [1, 1], sigma: [0, 0], kappa: [0, 0] } },
  },
}

test("shows the guide's table with what was measured of each phase, and why what does not hold does not", () => {
  const [heading = '', ...parts] = asText(result, PLAIN).split('\n\n')
  expect(heading.split('\n')[1]).toBe('mysql, cache redis, queue redis; API processes: 1, where users are held 2; 10 workers')
  expect(parts).toEqual([
    `
THE GUIDE'S TABLE          MVP       GROWTH
tenants                    100          500
  measured here       100 pass    - INVALID
concurrent users            50          200
  measured here        50 pass     100 fail
their p99, ms      at most 150  at most 150
  measured here     12.34 pass     200 fail
INVALID  growth tenants: the disk is full; tenants could not be measured
fail  growth concurrent_users: 1 answer of 100 took more than 200.0 ms: the goal is 150 ms`.trimStart(),
    `
                     MEASURED          TARGET  VERDICT
eager_saved_percent     95.24   90.00 or more  pass
sync_1000_tenants_s    400.40  300.00 or less  fail`.slice(1),
    'one API process answers 3,100 per second without its cache, and most are answered by 9; contention 0.123, coherency 0.0100: what is lost is spent waiting for one another; nothing is said of more than 24 processes',
  ])
})
