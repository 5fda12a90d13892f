import { describe, expect, it } from 'vitest'
import { judgeDatabaseVersion } from '../../src/doctor/checks/database-version.js'
import { judgeBacklogLimit, judgeOpenFiles, judgePorts } from '../../src/doctor/checks/limits.js'
import { judgePhase } from '../../src/doctor/checks/phase.js'
import { openFilesIn, portsIn, readSystemLimits } from '../../src/doctor/limit-facts.js'
import { judges } from './judges.js'

const NOW = Date.UTC(2026, 10, 30)
const SQLITE = { dbConnection: 'sqlite', dbPool: 8, openFiles: 40, fetchConcurrency: 64 } as const
const MYSQL = { ...SQLITE, dbConnection: 'mysql' } as const

describe('what is found of limits', () => {
  judges([
    [
      () => judgeOpenFiles(1_024, SQLITE),
      'warn',
      '1024 files may be open; a worker needs 248, and a process of the API 1000 more',
    ],
    [() => judgeOpenFiles(1_024, MYSQL), 'warn', 'a worker needs 160'],
    [() => judgeOpenFiles(1_248, SQLITE), 'ok', '1248 files may be open'],
    [() => judgeOpenFiles(1_247, SQLITE), 'warn', '1247 files'],
    [() => judgeOpenFiles(247, SQLITE), 'fail', '247 files'],
    [() => judgeOpenFiles(4_096, { ...SQLITE, openFiles: 10_000 }), 'fail', 'a worker needs 30128'],
    [() => judgeOpenFiles(Number.POSITIVE_INFINITY, SQLITE), 'ok', 'any number of files'],
    [() => judgeOpenFiles(null, SQLITE), 'ok', 'does not tell'],
    [() => judgeBacklogLimit(4_096), 'ok', '4096 connections may wait'],
    [() => judgeBacklogLimit(511), 'ok', '511'],
    [() => judgeBacklogLimit(128), 'warn', 'a burst is refused'],
    [() => judgeBacklogLimit(null), 'ok', 'does not tell'],
    [() => judgePorts(28_232), 'ok', '28232 ports'],
    [() => judgePorts(14_115), 'warn', 'runs out of them'],
    [() => judgePorts(null), 'ok', 'does not tell'],
  ])

  it.each([
    ['Limit  Soft  Hard\nMax open files            1024                 524288               files\n', 1_024],
    ['Max open files            unlimited            unlimited            files\n', Number.POSITIVE_INFINITY],
    ['Max processes  7\n', null],
    [null, null],
  ])('reads %j as %s open files', (text, limit) => expect(openFilesIn(text)).toBe(limit))

  it.each([
    ['32768\t60999\n', 28_232],
    ['15000 15000', 1],
    ['', null],
    [null, null],
  ])('reads %j as %s ports', (text, ports) => expect(portsIn(text)).toBe(ports))

  it.runIf(process.platform === 'linux')('reads those of this machine', async () => {
    const { openFiles, ephemeralPorts, backlog } = await readSystemLimits()
    for (const limit of [openFiles, ephemeralPorts, backlog]) expect(limit).toBeGreaterThan(0)
  })
})

it('what the system allows is raised for good', () => {
  const raised = [judgeBacklogLimit(128).fix, judgePorts(9_000).fix]
  for (const fix of raised) expect(fix).toContain('in /etc/sysctl.d/90-feedctl.conf, then sudo sysctl --system')
})

describe('what is found of versions of databases', () => {
  const judge = (version: string) => () => judgeDatabaseVersion(version, NOW)
  judges([
    [judge('10.11.18-MariaDB-0+deb12u1'), 'ok', 'kept up until 2028-02-16'],
    [judge('5.5.5-10.11.6-MariaDB-log'), 'ok', 'kept up until 2028-02-16'],
    [judge('11.4.2-MariaDB'), 'ok', 'kept up until 2029-05-29'],
    [judge('12.1.1-MariaDB'), 'warn', 'for months only'],
    [judge('13.0.1-MariaDB'), 'ok', 'MariaDB 13.0.1-MariaDB'],
    [judge('11.8.3-MariaDB'), 'ok', 'kept up until 2028-06-04'],
    [judge('11.6.2-MariaDB'), 'warn', 'for months only'],
    [judge('10.6.18-MariaDB'), 'warn', 'no longer, since 2026-07-06'],
    [judge('10.4.34-MariaDB'), 'fail', 'feedctl supports 10.5 and later'],
    [judge('8.4.3'), 'ok', 'MySQL 8.4.3, kept up until 2032-04-30'],
    [judge('9.1.0'), 'warn', 'for months only'],
    [judge('10.0.0'), 'ok', 'MySQL 10.0.0'],
    [judge('8.0.39-0ubuntu0.24.04.2'), 'ok', 'no longer, since 2026-04-30; those whose build it is may'],
    [judge('10.6.18-MariaDB-0+deb12u1'), 'ok', 'no longer, since 2026-07-06; those whose build it is may'],
    [judge('8.0.mysql_aurora.3.08.0'), 'ok', 'those whose build it is may'],
    [judge('8.0.39'), 'warn', 'no longer, since 2026-04-30'],
    [judge('8.2.0'), 'warn', 'for months only'],
    [judge('5.7.44'), 'fail', 'feedctl supports 8.0 and later'],
    [judge('unknown'), 'warn', 'the server says it is unknown'],
  ])
})

describe('what is found of the phase', () => {
  const plan = { phase: 'growth', limit: 'requests_per_s', usedPercent: 61, isBeyond: false, next: 'scale' } as const
  const known = { ...plan, uses: [], full: { weeks: null, at: null, why: null } }
  const step = (id: string, isByHand = false) => ({ id, command: `do ${id}`, why: '', isByHand })
  judges([
    [() => judgePhase({ plan: known, missing: [] }), 'ok', 'phase growth, 61 % of it used by requests/s'],
    [() => judgePhase({ plan: known, missing: [step('redis-server'), step('workers')] }), 'warn', 'redis-server, workers'],
    [() => judgePhase({ plan: known, missing: [step('render', true)] }), 'ok', 'to be checked by hand: render'],
    [() => judgePhase({ plan: known, missing: [step('render', true), step('cdn')] }), 'warn', 'of what it needs: cdn'],
    [() => judgePhase({ plan: { ...known, isBeyond: true }, missing: [] }), 'warn', 'more than any phase'],
  ])

  it('names the first thing to do, and where all of it is', () => {
    expect(judgePhase({ plan: known, missing: [step('render', true), step('workers')] }).fix).toBe(
      'do workers; feedctl capacity has all of it, in order',
    )
  })
})
