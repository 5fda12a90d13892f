import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CronExpressionParser } from 'cron-parser'
import { describe, expect, it } from 'vitest'
import { onCalendar } from '../../src/schedule/on-calendar.js'
import { systemctlSteps } from '../../src/schedule/systemctl.js'
import { systemdUnits, UNIT_NAMES } from '../../src/schedule/systemd.js'
import { BIN } from '../support/bin.js'
import { temporaryFolder } from '../support/folders.js'

const ANALYZES = spawnSync('systemd-analyze', ['--version']).status === 0
const PLAN = {
  node: process.execPath,
  bin: BIN,
  envFile: '/srv/feeds/.env',
  folder: '/srv/feeds',
  scope: 'system',
  runAs: 'root',
} as const
const CONFIG = {
  queueConnection: 'sync',
  syncEveryS: 90,
  pruneAt: '30 3 * * *',
  drainMs: 25_000,
  data: '/srv/feeds/storage',
  dbSocket: null,
  redisUrl: null,
} as const
const ON_REDIS = { ...CONFIG, queueConnection: 'redis' } as const
const textOf = (units: ReturnType<typeof systemdUnits>, name: string) => units.find(unit => unit.name === name)?.text ?? ''

describe('the units of systemd', () => {
  it('are one supervisor where there is a queue, that notifies, is watched, and may drain', () => {
    const bin = '/srv/feedctl/bin/feedctl.js'
    const units = systemdUnits({ ...PLAN, bin }, ON_REDIS)
    expect(units.map(unit => [unit.name, unit.enabled])).toEqual([['feedctl-supervise.service', true]])
    const lines = textOf(units, 'feedctl-supervise.service').split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'Type=notify',
        'NotifyAccess=all',
        'WatchdogSec=60',
        `ExecStart=${process.execPath} -- ${bin} queue supervise --env-file /srv/feeds/.env`,
        'TimeoutStopSec=45',
        'ProtectSystem=strict',
        'ReadWritePaths=-/srv/feeds/storage',
        'WorkingDirectory=/srv/feeds',
        'PrivateTmp=yes',
        'WantedBy=multi-user.target',
      ]),
    )
  })

  it('are services with their timers where there is none', () => {
    const units = systemdUnits(PLAN, CONFIG)
    expect(units.map(unit => [unit.name, unit.enabled])).toEqual([
      ['feedctl-sync.service', false],
      ['feedctl-sync.timer', true],
      ['feedctl-maintenance.service', false],
      ['feedctl-maintenance.timer', true],
    ])
    expect(textOf(units, 'feedctl-sync.timer')).toContain('OnUnitActiveSec=90s\n')
    expect(textOf(units, 'feedctl-maintenance.timer')).toContain('OnCalendar=*-*-* 03:30:00 UTC\nPersistent=true\n')
    expect(textOf(units, 'feedctl-maintenance.service').match(/^ExecStart=.*(feed prune|media prune|delete) /gm)).toHaveLength(3)
    const names = [...units, ...systemdUnits(PLAN, ON_REDIS)].map(unit => unit.name).sort()
    expect(names).toEqual([...UNIT_NAMES].sort())
  })

  it('of a user ask for nothing that a user may not', () => {
    const [unit] = systemdUnits({ ...PLAN, scope: 'user' }, ON_REDIS)
    expect(unit?.text).not.toMatch(/User=|Protect|Private|Capability|network-online/)
    expect(unit?.text).toContain('WantedBy=default.target')
  })

  it('take every capability away, except from root, who would not reach the files of others without', () => {
    const texts = ['feeder', 'root'].map(runAs => systemdUnits({ ...PLAN, runAs }, ON_REDIS)[0]?.text ?? '')
    expect(texts.map(text => text.includes('CapabilityBoundingSet=\n'))).toEqual([true, false])
  })

  it.each([
    { data: '/tmp/feeds' },
    { dbSocket: '/var/tmp/mysql.sock' },
    { redisUrl: 'unix:///tmp/redis.sock' },
  ])('leave /tmp as it is where feedctl needs it: %j', settings => {
    expect(systemdUnits(PLAN, { ...ON_REDIS, ...settings })[0]?.text).not.toContain('PrivateTmp')
  })

  it.runIf(ANALYZES).each([
    ['sync', 'system', CONFIG],
    ['sync', 'user', CONFIG],
    ['redis', 'system', ON_REDIS],
    ['redis', 'user', ON_REDIS],
  ] as const)('are what systemd understands without a word (%s, %s)', (_driver, scope, config) => {
    const folder = join(temporaryFolder(), 'one "odd" folder 100% $HOME')
    mkdirSync(folder)
    const plan = { ...PLAN, scope, folder, envFile: join(folder, '.env') }
    const units = systemdUnits(plan, { ...config, data: join(folder, 'storage') })
    for (const unit of units) writeFileSync(join(folder, unit.name), unit.text)
    const args = ['verify', '--man=no', scope === 'user' ? '--user' : '--system', ...units.map(unit => join(folder, unit.name))]
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, {
      encoding: 'utf8',
      env: { ...process.env, XDG_RUNTIME_DIR: folder },
    })
    // Of the machine's own units it may complain.
    const ours = `${stdout}${stderr}`.split('\n').filter(line => /feedctl|Unknown|odd/.test(line))
    expect([status, ours]).toEqual([0, []])
  })
})

describe('times for systemd', () => {
  const PATTERNS = [
    '30 3 * * *',
    '*/15 0-6 * * *',
    '0 0 1,15 * *',
    '5 4 * * mon-fri',
    '0 12 * 2,7 0',
    '0 0 13 * 5',
    '0 9 1-31 * 1',
    '59 23 31 12 *',
    '0 6 * * 7',
  ]

  it('name either day where cron does', () => {
    expect(onCalendar('0 0 13 * 5')).toEqual(['*-*-13 00:00:00 UTC', 'Fri *-*-* 00:00:00 UTC'])
    expect(onCalendar('*/30 * * * *')).toEqual(['*-*-* *:00,30:00 UTC'])
  })

  it.runIf(ANALYZES).each(PATTERNS)('%s are the same to it as to cron', pattern => {
    const from = new Date('2026-06-01T00:00:01Z')
    const args = [
      'calendar',
      '--iterations=20',
      `--base-time=${from.toISOString().slice(0, 19).replace('T', ' ')} UTC`,
      ...onCalendar(pattern),
    ]
    const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } })
    const told = [...stdout.matchAll(/(?:Next elapse|Iter. #\d+|Iteration #\d+): \w+ (\S+) (\S+) UTC/g)].map(
      ([, day, time]) => `${day}T${time}.000Z`,
    )
    const wanted = CronExpressionParser.parse(pattern, { currentDate: from, tz: 'UTC' })
      .take(20)
      .map(time => time.toISOString())
    expect([...new Set(told)].sort().slice(0, 20)).toEqual(wanted)
  })
})

describe('what systemctl is told', () => {
  const units = systemdUnits(PLAN, ON_REDIS)
  const where = (name: string) => `/etc/systemd/system/${name}`

  it('at first: to read the units and start them', () => {
    const changes = [{ where: where('feedctl-supervise.service'), change: 'created' }] as const
    expect(systemctlSteps(changes, units, 'system')).toEqual({
      before: [],
      after: [['daemon-reload'], ['enable', '--now', 'feedctl-supervise.service']],
    })
  })

  it('after a change of the driver: to stop what goes first, and start what changed anew', () => {
    const changes = [
      { where: where('feedctl-supervise.service'), change: 'replaced' },
      { where: where('feedctl-sync.timer'), change: 'removed' },
    ] as const
    expect(systemctlSteps(changes, units, 'user')).toEqual({
      before: [['--user', 'disable', '--now', 'feedctl-sync.timer']],
      after: [
        ['--user', 'daemon-reload'],
        ['--user', 'enable', '--now', 'feedctl-supervise.service'],
        ['--user', 'try-restart', 'feedctl-supervise.service'],
      ],
    })
  })

  it('when nothing is left: nothing', () => {
    expect(systemctlSteps([], [], 'system')).toEqual({ before: [], after: [] })
  })
})
