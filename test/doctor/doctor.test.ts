import { describe, expect, it } from 'vitest'
import { type Check, ok, warn } from '../../src/doctor/check.js'
import { CHECKS } from '../../src/doctor/checks.js'
import { examine } from '../../src/doctor/doctor.js'
import type { Surroundings } from '../../src/doctor/parts.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { initCatalog } from '../../src/tenants/catalog.js'
import { openServer } from '../../src/tenants/databases/index.js'
import type { TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'

function around(env: TestEnv = {}, signal = new AbortController().signal): Surroundings {
  const { config } = loadConfig({ env: { FEEDCTL_DATA: temporaryFolder(), ...env }, envFile: '/nowhere', envFileNamed: false })
  return { config, log: new Log(() => {}), schedule: ['sync-due'], installedAt: 0, signal }
}

const check = (id: string, run: Check['run'], more: Partial<Check> = {}): Check => ({ id, run, ...more })
const never = () => new Promise<never>(() => {})

describe('the doctor', () => {
  it('says of a check that throws, or takes too long, that it cannot look; the others are as they are', async () => {
    const checks = [
      check('a.fine', async () => ok('all is well')),
      check('b.failure', async () => {
        throw new Failure('UNAVAILABLE', 'away', { hint: 'start it' })
      }),
      check('c.bug', () => {
        throw new TypeError('x is undefined')
      }),
      check('d.slow', never),
      check('e.grave', never, { blind: 'fail' }),
      check('f.elsewhere', never, { applies: () => false }),
    ]
    const findings = await examine(around(), { checks, patienceMs: 100 })
    expect(findings).toEqual([
      { id: 'a.fine', severity: 'ok', evidence: 'all is well', fix: null, since: expect.any(Date) },
      { id: 'b.failure', severity: 'warn', evidence: 'cannot look: away', fix: 'start it', since: expect.any(Date) },
      { id: 'c.bug', severity: 'warn', evidence: 'cannot look: x is undefined', fix: null, since: expect.any(Date) },
      { id: 'd.slow', severity: 'warn', evidence: 'cannot look: no answer in 0.1 s', fix: null, since: expect.any(Date) },
      { id: 'e.grave', severity: 'fail', evidence: 'cannot look: no answer in 0.1 s', fix: null, since: expect.any(Date) },
    ])
  })

  it('runs the checks at the same time', async () => {
    let [waiting, release] = [0, () => {}]
    const all = new Promise<void>(resolve => {
      release = resolve
    })
    const meets = async () => {
      if (++waiting === 3) release()
      await all
      return ok('met')
    }
    const findings = await examine(around(), { checks: ['a', 'b', 'c'].map(id => check(id, meets)) })
    expect(findings.map(({ evidence }) => evidence)).toEqual(['met', 'met', 'met'])
  })

  it('lets some take turns, and counts the time of each from its turn', async () => {
    const begun: string[] = []
    const patienceMs = 100
    const turn = (id: string, run: Check['run']) =>
      check(
        id,
        parts => {
          begun.push(id)
          return run(parts)
        },
        { takesTurns: true },
      )
    const late = turn('a.late', never)
    const next = turn('b.next', async () => ok(begun.join()))
    const beside = check('c.beside', async () => ok(begun.join()))
    const findings = await examine(around(), { checks: [late, next, beside], patienceMs })
    expect(findings.map(({ evidence }) => evidence)).toEqual([
      'cannot look: no answer in 0.1 s',
      'a.late,b.next',
      expect.not.stringContaining('b.next'),
    ])
  })

  it('remembers since when a check has found what it finds, and begins anew when that changes', async () => {
    const place = around()
    const server = await openServer(place.config)
    await initCatalog(server, place.config)
    await server.close()
    let verdict = warn('first', null)
    const looks = async () => {
      const [finding] = await examine(place, { checks: [check('a.changes', async () => verdict)] })
      return finding?.since.getTime() ?? 0
    }
    const first = await looks()
    verdict = warn('second', null)
    const second = await looks()
    verdict = ok('well')
    const third = await looks()
    expect(second).toBe(first)
    expect(third).toBeGreaterThan(first)
    expect(await looks()).toBe(third)
  })

  it('stops when it is interrupted', async () => {
    const interruption = new AbortController()
    const examined = examine(around({}, interruption.signal), { checks: [check('a.slow', never)] })
    interruption.abort(new Failure('INTERRUPTED', 'interrupted'))
    await expect(examined).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })

  it('has checks of distinct names, each short enough to be remembered', () => {
    const ids = CHECKS.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z]+(\.[a-z0-9-]+)?$/)
  })
})
