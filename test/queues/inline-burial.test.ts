import { createConnection } from 'mysql2/promise'
import { expect, onTestFinished, test } from 'vitest'
import { openApp } from '../../src/app.js'
import { enqueueRun } from '../../src/feeds/sync.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import { sharedMariadbEnv } from '../support/drivers.js'

test('a job in this process that heeds no deadline, since its database does not answer, has failed in its run', async () => {
  const env = sharedMariadbEnv()
  await using installation = await Installation.create(env)
  await installation.createTenant('acme', ['http://127.0.0.1:9/feed.xml'])
  const connection = await createConnection({
    host: env.DB_HOST ?? '',
    port: Number(env.DB_PORT),
    user: env.DB_USERNAME ?? '',
    password: env.DB_PASSWORD ?? '',
  })
  onTestFinished(() => connection.end())
  await using plain = await installation.open()
  await using app = await openApp({ ...plain.config, jobTimeoutS: 1 }, plain.log)
  const tenant = await getTenant(app.catalog, parseSlug('acme'))
  await connection.query('LOCK TABLES ??.feeds WRITE', [tenant.placement.database])
  const jobs = await app.jobs(new AbortController().signal, { tries: 1, graceMs: 100 })
  const { run } = await enqueueRun(app.catalog, jobs, [tenant.id], false)
  const part = () =>
    app.catalog.kysely.selectFrom('run_tenants').select(['state', 'report']).where('run_id', '=', run.runId).executeTakeFirst()
  await jobs.settled()
  expect(await part()).toMatchObject({ state: 'failed', report: expect.stringContaining('JOB_TIMEOUT') })
  await connection.query('UNLOCK TABLES')
}, 60_000)
