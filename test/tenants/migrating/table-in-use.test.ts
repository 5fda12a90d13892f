import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dropDatabases, sharedMariadbEnv, type TestEnv } from '../../support/drivers.js'
import { openInstallation, tenantIn } from '../installation.js'
import { holdFeeds, LATEST, migrating, on, versionOf } from './fleet.js'

describe('a migration of a table that somebody uses for long', () => {
  let env: TestEnv
  beforeEach(() => {
    env = sharedMariadbEnv()
  })
  afterEach(() => dropDatabases(env))

  it('lets those through who wait behind it, fails, and succeeds when the table is free', async () => {
    // With one connection, that of the migration is the one that is asked afterwards.
    const [here, user] = [await openInstallation({ ...env, FEEDCTL_DB_POOL: '1' }), await openInstallation(env)]
    const tenant = await tenantIn(here, 'busy')
    const release = await holdFeeds(user, tenant)
    const report = await migrating(here, { lockWaitS: 1 })
    expect(report.failures).toMatchObject([{ code: 'UNAVAILABLE', message: 'the table feeds was in use for too long' }])
    const [row] = (
      await on(here, tenant, ({ kysely }) =>
        sql<{ seconds: number }>`select @@session.lock_wait_timeout as seconds`.execute(kysely),
      )
    ).rows
    expect(row?.seconds).toBeGreaterThan(1)
    await release()
    expect(await migrating(here, { which: 'rest' })).toMatchObject({ databases: { migrated: 1, failed: 0 } })
    expect(await versionOf(here, tenant)).toBe(LATEST + 1)
  })
})
