import { expect, test } from 'vitest'
import { insertRows } from '../../src/tenants/databases/index.js'
import { readFailingSources } from '../../src/watch/failing-sources.js'
import { readPlacements } from '../../src/watch/placements.js'
import { describeDrivers } from '../support/drivers.js'
import { addSources, addTenants, clear, openParts } from './rows.js'

describeDrivers('what a dashboard lists', env => {
  test('where the tenants live, the place with most of them first', async () => {
    const app = await openParts(env)
    await clear(app)
    const hosts = [{ id: 7, name: 'db-2', created_at: 1 }]
    const placement = { schema_version: 1, created_at: 1 }
    const placements = [
      { id: 1, kind: 'dedicated', host_id: 1, database_name: 'd1', ...placement },
      { id: 2, kind: 'shared', host_id: 7, database_name: 's1', ...placement },
      { id: 3, kind: 'shared', host_id: 7, database_name: 's2', ...placement },
    ]
    await insertRows(app.catalog.database, 'hosts', hosts)
    await insertRows(app.catalog.database, 'placements', placements as never)
    await addTenants(app, [{ id: 1 }, { id: 2, placement_id: 2 }, { id: 3, placement_id: 3, state: 'suspended' }])
    expect(await readPlacements(app.catalog)).toEqual([
      { kind: 'shared', host: 'db-2', tenants: 2 },
      { kind: 'dedicated', host: 'default', tenants: 1 },
    ])
  })

  test('the sources that have failed most often in a row, at most twenty', async () => {
    const app = await openParts(env)
    await clear(app)
    const failing = Array.from({ length: 25 }, (_, times) => ({
      failure_code: 'FEED_TIMEOUT',
      failure_count: times + 1,
      checked_at: 5,
    }))
    await addSources(app, [...failing, {}, { failure_code: 'FEED_GONE', failure_count: 99, retired_at: 1 }])
    const listed = await readFailingSources(app.catalog)
    expect(listed.map(({ failures }) => failures)).toEqual(Array.from({ length: 20 }, (_, place) => 25 - place))
    expect(listed[0]).toEqual({
      url: 'https://publisher.test/24',
      code: 'FEED_TIMEOUT',
      message: null,
      failures: 25,
      checkedAt: 5,
      changedAt: null,
      nextCheckAt: 0,
    })
  })
})
