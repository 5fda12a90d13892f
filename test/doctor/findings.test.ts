import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks.js'
import { thisMachine } from '../../src/kernel/holder.js'
import { runCli } from '../support/cli.js'
import { describeDrivers } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { openInstallation } from '../tenants/installation.js'
import { doctor } from './examined.js'

describeDrivers('every finding of the doctor', env => {
  it('has an id, a severity, evidence, what mends it where something is to be mended, and since when', async () => {
    await runCli(['init'], { env })
    mkdirSync(join(env.FEEDCTL_DATA ?? '', 'media/4711'), { recursive: true })
    const before = Date.now()
    const { findings } = await doctor(env)
    const ids = CHECKS.map(({ id }) => id)
    expect(findings.map(({ id }) => id)).toEqual(ids.filter(id => findings.some(finding => finding.id === id)))
    for (const finding of findings) {
      expect(Object.keys(finding)).toEqual(['id', 'severity', 'evidence', 'fix', 'since'])
      expect(['ok', 'warn', 'fail']).toContain(finding.severity)
      expect(finding.evidence).toMatch(/^\S.*\S$/)
      if (finding.severity === 'ok') expect([finding.id, finding.fix]).toEqual([finding.id, null])
      else expect([finding.id, finding.fix]).toEqual([finding.id, expect.stringMatching(/\S/)])
      expect(Date.parse(finding.since)).toBeGreaterThanOrEqual(before - 1000)
      expect(Date.parse(finding.since)).toBeLessThanOrEqual(Date.now() + 1000)
    }
    expect(findings.length).toBeGreaterThan(20)
    expect(findings.some(({ severity }) => severity !== 'ok')).toBe(true)
  })

  it('is in the text as in the JSON: the same ids, as grave', async () => {
    const { findings, exit } = await doctor(env)
    const text = await runCli(['doctor'], { env })
    const lines = [...text.out.matchAll(/^(ok|warn|fail) +(\S+) /gm)].map(([, severity, id]) => [id, severity])
    expect(lines).toEqual(findings.map(({ id, severity }) => [id, severity]))
    expect(text.exit).toBe(exit)
    expect(exit).toBe(findings.some(({ severity }) => severity === 'fail') ? 8 : 0)
  })

  it('that is a warning exits 0, and 8 where warnings count', async () => {
    const { findings } = await doctor(env)
    const hasFailures = findings.some(({ severity }) => severity === 'fail')
    expect((await doctor(env)).exit).toBe(hasFailures ? 8 : 0)
    expect((await doctor(env, '--fail-on', 'warn')).exit).toBe(8)
  })
})

describe('feedctl doctor --fix', () => {
  it('exits 5 when nothing fails, but what was agreed to could not be done', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder() }
    const { catalog } = await openInstallation(env)
    const lock = { name: 'dead', holder: `${thisMachine()}:999999999:t`, acquired_at: 1, expires_at: Date.now() + 3_600_000 }
    await catalog.kysely.insertInto('locks').values(lock).execute()
    await catalog.database.kysely.executeQuery(
      (await import('kysely')).CompiledQuery.raw(
        "create trigger keep before delete on locks begin select raise(abort, 'it stays'); end",
      ),
    )
    const end = await runCli(['doctor', '--fix', '--yes'], { env })
    expect(end.err).toContain('could not release what ended processes hold: dead')
    expect(end.err).toContain('1 thing could not be mended (UNAVAILABLE)')
    expect(end.out).toMatch(/^warn +locks\.stale/m)
    if (!/^fail +disk\.space/m.test(end.out)) expect(end.exit).toBe(5)
  })
})

describe('feedctl doctor where the database is down', () => {
  it('finds that, and exits 8: it could run', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder(), DB_CONNECTION: 'mysql', DB_HOST: '127.0.0.1', DB_PORT: '1' }
    const found = await doctor(env)
    expect(found.of('database.reachable')?.severity).toBe('fail')
    expect(found.exit).toBe(8)
  })
})
