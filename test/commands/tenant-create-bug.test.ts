import { expect, it, onTestFinished, vi } from 'vitest'
import { SqliteServer } from '../../src/tenants/databases/sqlite.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

it('creates the others of a tenant that meets a bug, prints the report, and ends as a bug ends', async () => {
  const env = { FEEDCTL_DATA: temporaryFolder() }
  await runCli(['init'], { env })
  const create = SqliteServer.prototype.create
  const spy = vi.spyOn(SqliteServer.prototype, 'create').mockImplementation(function (this: SqliteServer, name) {
    return name.endsWith('p0002') ? Promise.reject(new TypeError('no such thing')) : create.call(this, name)
  })
  onTestFinished(() => spy.mockRestore())
  const { exit, out, err } = await runCli(['tenant', 'create', '--count', '3', '--progress', 'none', '--json'], { env })
  const report = JSON.parse(out)
  expect(report.tenants).toEqual({ total: 3, created: 2, existing: 0, failed: 1 })
  expect(report.failures).toEqual([{ slug: 'p0002', code: 'BUG', message: 'no such thing' }])
  expect([exit, err]).toEqual([1, expect.stringContaining('TypeError: no such thing')])
})
