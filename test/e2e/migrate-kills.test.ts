import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { App } from '../../src/app.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { sharedMariadbEnv, type TestEnv } from '../support/drivers.js'
import type { Installation as Ground } from '../tenants/installation.js'
import { earlierTenant, holdFeeds, LATEST, urlsOf, versionOf } from '../tenants/migrating/fleet.js'
import { Installation } from './installation.js'

const TENANTS = 7
/** In the middle of the fleet, in the order in which it is migrated. */
const HELD = 3

/** Databases by what the last run says of them. */
async function statesIn({ catalog }: App): Promise<readonly string[]> {
  const rows = await catalog.kysely.selectFrom('migration_placements').select('state').orderBy('placement_id').execute()
  return rows.map(({ state }) => state)
}

async function goesOn(settings: TestEnv): Promise<void> {
  await using installation = await Installation.create({ ...settings, FEEDCTL_MIGRATE: 'command' })
  await using app = await installation.open()
  const here: Ground = { catalog: app.catalog, config: app.config, prefix: app.config.databasePrefix }
  const tenants: Tenant[] = []
  for (let number = 0; number < TENANTS; number++) tenants.push(await earlierTenant(here, `fleet-${number}`))
  const versions = () => Promise.all(tenants.map(tenant => versionOf(here, tenant)))
  const held = tenants[HELD]
  if (held === undefined) throw new Error('there is no such tenant')
  const release = await holdFeeds(here, held)
  const migration = installation.start(['tenant', 'migrate', '--all', '--concurrency', '1', '--json'])
  let ended = false
  void migration.ended.then(() => {
    ended = true
  })
  const until = [...Array(HELD).fill('ok'), 'running']
  while (!ended && (await statesIn(app)).join() !== until.join()) await pause(20)
  const killed = await migration.end('SIGKILL')
  await release()
  expect(killed).toMatchObject({ exit: null, signal: 'SIGKILL', out: '' })
  expect(await versions()).toEqual(tenants.map((_, number) => (number < HELD ? LATEST : 1)))
  expect(await installation.run(['tenant', 'migrate', '--check'])).toMatchObject({ exit: 8 })
  const resumed = await installation.start(['tenant', 'migrate', '--resume', '--json']).ended
  expect(resumed).toMatchObject({ exit: 0 })
  expect(JSON.parse(resumed.out)).toMatchObject({
    resumed: true,
    databases: { total: TENANTS, up_to_date: HELD, migrated: TENANTS - HELD, failed: 0, not_tried: 0 },
  })
  expect(await versions()).toEqual(tenants.map(() => LATEST))
  expect(await statesIn(app)).toEqual(tenants.map(() => 'ok'))
  for (const tenant of tenants) expect(await urlsOf(here, tenant)).toEqual(['https://1.example/', 'https://2.example/'])
  expect(await installation.run(['tenant', 'migrate', '--check', '--drift'])).toMatchObject({ exit: 0 })
  expect(await installation.run(['tenant', 'migrate', '--resume'])).toMatchObject({ exit: 4 })
}

describe('a migration of all tenants whose process is killed in the middle of the fleet', () => {
  test(
    'goes on by --resume where it was, and ends with every schema new and every row there (sqlite)',
    { timeout: 300_000 },
    () => goesOn({}),
  )

  test('goes on by --resume where it was, and ends with every schema new and every row there (mysql)', { timeout: 300_000 }, () =>
    goesOn(sharedMariadbEnv()),
  )
})
