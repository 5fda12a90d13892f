import { expect, it, onTestFinished, vi } from 'vitest'
import { SqliteServer } from '../../src/tenants/databases/sqlite.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

it('removes the others of a due tenant that meets a bug, prints the report, and ends as a bug ends', async () => {
  const env = { FEEDCTL_DATA: temporaryFolder() }
  await runCli(['init'], { env })
  for (const slug of ['acme', 'beta', 'gamma']) {
    await runCli(['tenant', 'create', slug], { env })
    await runCli(['tenant', 'delete', slug, '--grace', '0s', '--yes'], { env })
  }
  const drop = SqliteServer.prototype.drop
  const spy = vi.spyOn(SqliteServer.prototype, 'drop').mockImplementation(function (this: SqliteServer, name) {
    return name.endsWith('beta') ? Promise.reject(new TypeError('no such thing')) : drop.call(this, name)
  })
  onTestFinished(() => spy.mockRestore())
  const { exit, out, err } = await runCli(['tenant', 'delete', '--due', '--yes', '--progress', 'none', '--json'], { env })
  const report = JSON.parse(out)
  expect(report.receipts.map(({ slug }: { slug: string }) => slug)).toEqual(['acme', 'gamma'])
  expect(report).toMatchObject({ removed: 2, failures: [{ tenant: 'beta', code: 'BUG', message: 'no such thing' }] })
  expect([exit, err]).toEqual([1, expect.stringContaining('TypeError: no such thing')])
})
