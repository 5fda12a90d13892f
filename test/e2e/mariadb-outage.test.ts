import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'
import { SlowFleet } from './slow-fleet.js'

const TIMEOUT_MS = 300_000
const ON_REDIS = { QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' }

let mariadb: MariadbServer

beforeAll(async () => {
  mariadb = await startMariadb()
})

afterAll(async () => {
  await mariadb.dispose()
})

const CASES: readonly [how: string, by: string, stop: (server: MariadbServer) => Promise<void>, drivers: () => TestEnv][] = [
  ['stopped', 'in one process', server => server.stop(), sharedMariadbEnv],
  ['killed', 'in one process', server => server.kill(), sharedMariadbEnv],
  ['stopped', 'by workers', server => server.stop(), () => ({ ...sharedMariadbEnv(), ...sharedRedisEnv(), ...ON_REDIS })],
]

describe('MariaDB in mid-sync', () => {
  test.each(CASES)(
    'is %s (%s) and started again: the run is complete or partial, and the next completes it',
    async (_how, _by, stop, drivers) => {
      await using fleet = await SlowFleet.create({ ...drivers(), ...mariadb.env }, 16)
      await fleet.installation.startWorkers(2)
      fleet.hold()
      const sync = fleet.installation.start(['sync', '--all', '--json'])
      await fleet.untilSomeAreStored()
      await stop(mariadb)
      fleet.letGo()
      await mariadb.start()
      const { exit, out } = await sync.ended
      expect([0, 5, 6]).toContain(exit)
      const stored = await fleet.expectWholeFeeds()
      if (exit === 0) expect(stored).toBe(fleet.feeds)
      if (out !== '') {
        const { tenants } = JSON.parse(out)
        expect(tenants.ok + tenants.failed).toBe(fleet.tenants)
        expect(exit === 0).toBe(tenants.failed === 0)
      }
      expect(await fleet.installation.sync('--all')).toMatchObject({ exit: 0, report: { tenants: { ok: fleet.tenants } } })
      await fleet.expectComplete()
    },
    TIMEOUT_MS,
  )
})
