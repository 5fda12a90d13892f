import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { withLock } from '../../src/tenants/locks.js'
import { runCli } from '../support/cli.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { earlierTenant, LATEST, setVersion } from '../tenants/migrating/fleet.js'

describeDatabases('feedctl tenant migrate', settings => {
  const env = { ...settings, FEEDCTL_MIGRATE: 'command' }
  const cli = (words: string, signal?: AbortSignal) => runCli(words.split(' '), { env, ...(signal ? { signal } : {}) })
  const json = async (words: string) => {
    const { exit, out, err } = await cli(`${words} --json`)
    return { exit, report: JSON.parse(out), error: exit === 0 ? null : JSON.parse(err.trim().split('\n').at(-1) ?? '').error }
  }

  it('checks, plans, migrates and checks again', async () => {
    const here = await openInstallation(env)
    await tenantIn(here, 'fresh')
    await earlierTenant(here, 'old-1')
    await earlierTenant(here, 'old-2')
    const behind = await json('tenant migrate --check')
    expect(behind).toMatchObject({ exit: 8, error: { code: 'CHECK_FAILED', hint: 'feedctl tenant migrate --all' } })
    expect(behind.report).toMatchObject({
      latest: LATEST,
      versions: [
        { version: 1, databases: 2, tenants: 2 },
        { version: LATEST, databases: 1, tenants: 1 },
      ],
      drift: null,
    })
    const plan = await cli('tenant migrate --all --dry-run')
    expect(plan).toMatchObject({ exit: 0, err: '' })
    expect(plan.out).toMatch(
      /would migrate 2 databases of 2 tenants.*\n[\s\S]*canaries: old-1\n[\s\S]*create table if not exists residents/,
    )
    const done = await json('tenant migrate --all')
    expect(done).toMatchObject({
      exit: 0,
      report: { tenants: { total: 3, migrated: 2, up_to_date: 1, failed: 0, not_tried: 0 } },
    })
    expect(done.report.placements.map((row: { tenant: string; code: null }) => [row.tenant, row.code])).toEqual([
      ['old-1', null],
      ['old-2', null],
    ])
    expect(await json('tenant migrate --all')).toMatchObject({ exit: 0, report: { run_id: null, tenants: { migrated: 0 } } })
    expect(await cli('tenant migrate --check --drift')).toMatchObject({
      exit: 0,
      out: `all 3 databases of 3 tenants have schema ${LATEST}\ndrift: 3 databases compared, 0 differ\n`,
    })
    expect((await cli('tenant migrate --resume')).exit).toBe(4)
  })

  it('ends with 6 when a database failed, tells which and why, and goes on by --resume', async () => {
    const here = await openInstallation(env)
    const bad = await earlierTenant(here, 'bad')
    await earlierTenant(here, 'good')
    await here.catalog.server.drop(bad.placement.database)
    const failed = await json('tenant migrate --all --canary 0 --max-failures 50%')
    expect(failed).toMatchObject({ exit: 6, error: { code: 'PARTIAL' } })
    expect(failed.report.failures).toMatchObject([{ tenant: 'bad', code: 'SCHEMA_MISSING' }])
    expect(failed.report.tenants).toMatchObject({ migrated: 1, failed: 1 })
    const again = await cli('tenant migrate --resume')
    expect(again.exit).toBe(6)
    expect(again.out).toContain('bad: ')
    await here.catalog.server.create(bad.placement.database)
    expect(await json('tenant migrate --resume')).toMatchObject({
      exit: 0,
      report: { run_id: failed.report.run_id, resumed: true },
    })
  })

  it('is done by one process at a time, but for named tenants', async () => {
    const here = await openInstallation(env)
    await earlierTenant(here, 'named')
    await withLock(here.catalog, 'tenant migrate', async () => {
      for (const words of ['--all', '--resume', '--check --drift'])
        expect(await cli(`tenant migrate ${words}`)).toMatchObject({ exit: 7, err: expect.stringContaining('LOCKED') })
      expect((await cli('tenant migrate --check')).exit).toBe(8)
      expect((await cli('tenant migrate named')).exit).toBe(0)
    })
  })

  it('tells a watcher of cron jobs how it went, and heeds a signal', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`
    expect((await cli(`tenant migrate --all --quiet --ping-url ${url}`)).exit).toBe(0)
    const here = await openInstallation(env)
    await earlierTenant(here, 'later')
    const { Interruption } = await import('../../src/cli/interruption.js')
    const stopped = await cli(`tenant migrate --all --ping-url ${url}`, AbortSignal.abort(new Interruption('SIGINT')))
    expect(stopped).toMatchObject({ exit: 130, out: expect.stringContaining('1 not tried') })
    expect(asked).toEqual(['/x/start', '/x', '/x/start', '/x/fail'])
    expect((await cli('tenant migrate --resume')).exit).toBe(0)
  })

  it('is told of by init, and ahead of it is told by --check', async () => {
    const here = await openInstallation(env)
    const tenant = await earlierTenant(here, 'hinted')
    expect((await cli('init')).err).toContain('feedctl tenant migrate --all')
    await setVersion(here, tenant, LATEST + 1)
    expect(await cli('tenant migrate --check')).toMatchObject({ exit: 8, err: expect.stringContaining('upgrade feedctl') })
    await setVersion(here, tenant, 1)
    expect((await cli('tenant migrate hinted')).exit).toBe(0)
  })

  it.each([
    'tenant migrate',
    'tenant migrate acme --all',
    'tenant migrate --all --resume',
    'tenant migrate --all --check --dry-run',
    'tenant migrate --all --drift',
    'tenant migrate --check --sample 3',
    'tenant migrate --all --max-failures many',
    'tenant migrate UPPER',
  ])('refuses %s', async words => {
    expect((await cli(words)).exit).toBe(2)
  })

  it('refuses a tenant that is not there', async () => {
    expect(await cli('tenant migrate nobody')).toMatchObject({ exit: 4, err: expect.stringContaining('TENANT_NOT_FOUND') })
  })
})
