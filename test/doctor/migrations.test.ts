import { describe, expect, it } from 'vitest'
import { judgeTenantSchemas } from '../../src/doctor/checks/migrations.js'
import type { MigrationRun } from '../../src/tenants/migrating/ledger.js'

const run = (state: MigrationRun['state'], holder = `elsewhere:1:x`): MigrationRun => ({
  id: 'r',
  scope: 'all',
  state,
  toVersion: 5,
  options: {},
  holder,
  startedAt: 1,
  endedAt: null,
})
const standing = (behind: number, ahead: number) => {
  const counted = { total: 10, current: 10 - behind - ahead, behind, ahead }
  return { latest: 5, versions: [], databases: counted, tenants: counted }
}

describe('what the doctor says of the schemas of tenants', () => {
  it.each([
    ['all up to date', standing(0, 0), null, false, 'ok', null],
    ['all up to date after a run that stopped', standing(0, 0), run('stopped'), false, 'ok', null],
    ['behind, upgraded by their use', standing(3, 0), null, true, 'warn', 'tenant migrate --all'],
    ['behind, and refused until they are migrated', standing(3, 0), run('done'), false, 'fail', 'tenant migrate --all'],
    ['behind while a migration runs', standing(3, 0), run('running'), false, 'warn', 'tenant migrate --all'],
    ['behind after a run that stopped', standing(3, 0), run('stopped'), true, 'fail', '--resume'],
    ['ahead', standing(0, 1), null, true, 'fail', 'upgrade feedctl'],
  ] as const)('%s', (_, found, last, bySelf, severity, fix) => {
    const verdict = judgeTenantSchemas(found, last, bySelf)
    expect(verdict.severity).toBe(severity)
    if (fix === null) expect(verdict.fix).toBeNull()
    else expect(verdict.fix).toContain(fix)
  })
})
