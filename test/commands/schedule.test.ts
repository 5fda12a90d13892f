import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { withLock } from '../../src/tenants/locks.js'
import { Installation } from '../e2e/installation.js'
import { BIN } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'

const USER = 'feeder'

/** A machine of its own below a folder, and a working folder with an env file. */
function machine(settings: Readonly<Record<string, string>> = {}) {
  const root = temporaryFolder()
  const cwd = join(root, 'srv')
  mkdirSync(cwd)
  writeFileSync(
    join(cwd, '.env'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const home = '/home/feeder'
  const cli = (...argv: string[]) => runCli(['schedule', ...argv], { cwd, env: { HOME: home } })
  const install = (...flags: string[]) => cli('install', '--root', root, '--run-as', USER, ...flags)
  const json = async (...flags: string[]) => JSON.parse((await install(...flags, '--json')).out)
  const has = (runs: 'systemd' | 'cron') => {
    if (runs === 'systemd') mkdirSync(join(root, 'run/systemd/system'), { recursive: true })
    else writeAt(join(root, 'usr/bin/crontab'), '')
  }
  const units = (folder: string) => (existsSync(join(root, folder)) ? readdirSync(join(root, folder)).sort() : null)
  return { root, cwd, cli, install, json, has, units, crontab: join(root, 'var/spool/cron/crontabs', USER) }
}

function writeAt(path: string, bytes: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

const SYNC_UNITS = ['feedctl-maintenance.service', 'feedctl-maintenance.timer', 'feedctl-sync.service', 'feedctl-sync.timer']
/** Root's units are the machine's, everyone else's their own. */
const FOLDER = process.getuid?.() === 0 ? 'etc/systemd/system' : 'home/feeder/.config/systemd/user'

describe('feedctl schedule print', () => {
  it('cron prints lines for a crontab, by absolute paths, and says which settings stay behind', async () => {
    const { cwd } = machine()
    const env = { FEEDCTL_SYNC_EVERY_S: '300', DB_PASSWORD: 'hush', DB_PASSWORD_FILE: '' }
    const { exit, out, err } = await runCli(['schedule', 'print', 'cron'], { cwd, env })
    expect(exit).toBe(0)
    const start = `cd ${cwd} && ${process.execPath} -- ${BIN}`
    expect(out).toContain(
      `\n*/5 * * * * ${start} sync --all --quiet --env-file ${join(cwd, '.env')}\n30 3 * * * ${start} feed prune --all`,
    )
    expect(err).toContain(`write them into ${join(cwd, '.env')}: DB_PASSWORD, FEEDCTL_SYNC_EVERY_S`)
    expect(out + err).not.toContain('hush')
  })

  it('follows --env-file, and prints none where there is none', async () => {
    const cwd = temporaryFolder()
    expect((await runCli(['schedule', 'print', 'cron'], { cwd })).out).not.toContain('--env-file')
    writeFileSync(join(cwd, 'other.env'), '')
    const { out } = await runCli(['schedule', 'print', 'systemd', '--env-file', 'other.env'], { cwd })
    expect(out).toContain(`--env-file ${join(cwd, 'other.env')}\n`)
  })

  it('systemd prints the units of the driver under their paths', async () => {
    const { cli, cwd } = machine()
    const onSync = (await cli('print', 'systemd', '--run-as', USER)).out
    expect(onSync.match(/^# \/etc\/systemd\/system\/.*$/gm)).toHaveLength(4)
    expect(onSync.match(/^User=feeder$/gm)).toHaveLength(2)
    const { out } = await runCli(['schedule', 'print', 'systemd', '--user'], {
      cwd,
      env: { HOME: '/home/x', QUEUE_CONNECTION: 'redis' },
    })
    expect(out).toMatch(/^# \/home\/x\/\.config\/systemd\/user\/feedctl-supervise\.service\n/)
  })

  it('refuses what is neither, --json, and a pattern that is none', async () => {
    const { cli, cwd } = machine()
    expect((await cli('print', 'launchd')).exit).toBe(2)
    expect((await cli('print', 'cron', '--json')).exit).toBe(2)
    expect((await runCli(['schedule', 'print', 'cron'], { cwd, env: { FEEDCTL_PRUNE_AT: '77 3 * * *' } })).exit).toBe(3)
  })
})

describe('feedctl schedule install', () => {
  it('needs a yes, and changes nothing on a dry run or without one', async () => {
    const { install, json, has, units, crontab } = machine()
    has('systemd')
    expect(await install()).toMatchObject({ exit: 2, err: expect.stringContaining('(CONFIRMATION_NEEDED)') })
    expect((await json('--dry-run')).changes).toHaveLength(4)
    expect((await install('--cron')).exit).toBe(2)
    expect((await json('--cron', '--dry-run')).changes).toEqual([{ where: crontab, change: 'created' }])
    expect([units(FOLDER), existsSync(crontab)]).toEqual([null, false])
  })

  it('writes the units, changes none of them again, and says what to type', async () => {
    const { root, json, install, has, units } = machine()
    has('systemd')
    const first = await json('--yes')
    expect(units(FOLDER)).toEqual(SYNC_UNITS)
    expect(first.changes.map((each: { change: string }) => each.change)).toEqual(Array(4).fill('created'))
    expect(first).toMatchObject({ kind: 'systemd', dry_run: false, ran: [] })
    expect(first.left.join()).toMatch(/daemon-reload.*enable --now feedctl-sync.timer feedctl-maintenance.timer/)
    expect((await json('--yes')).changes.map((each: { change: string }) => each.change)).toEqual(Array(4).fill('unchanged'))
    writeFileSync(join(root, FOLDER, 'theirs.service'), '')
    expect((await install('--remove', '--yes')).out).toContain('removed: ')
    expect(units(FOLDER)).toEqual(['theirs.service'])
    expect((await install('--remove', '--yes')).out).toBe('nothing of feedctl is installed\n')
  })

  it('follows a change of the driver', async () => {
    const { cwd, json, has, units } = machine()
    has('systemd')
    await json('--yes')
    writeFileSync(join(cwd, '.env'), 'QUEUE_CONNECTION=redis\n')
    await json('--yes')
    expect(units(FOLDER)).toEqual(['feedctl-supervise.service'])
  })

  it('leaves a unit that someone else wrote', async () => {
    const { root, install, has } = machine()
    has('systemd')
    const path = join(root, FOLDER, 'feedctl-sync.service')
    writeAt(path, '[Service]\n')
    expect(await install('--yes')).toMatchObject({ exit: 4, err: expect.stringContaining('was not written by feedctl') })
    expect((await install('--remove', '--yes')).exit).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe('[Service]\n')
  })

  it('keeps every other byte of a crontab, done once, twice, and undone', async () => {
    const { install, has, crontab } = machine()
    has('cron')
    const theirs = Buffer.from('# mine\r\n*/5 * * * * echo "\xff\xfe %"\n\nMAILTO=x', 'latin1')
    writeAt(crontab, theirs)
    const whole = Buffer.concat([theirs, Buffer.from('\n')])
    expect((await install('--yes')).out).toBe(`created: ${crontab}\n`)
    const first = readFileSync(crontab)
    expect(first.subarray(0, whole.length).equals(whole)).toBe(true)
    expect(first.subarray(whole.length).toString()).toMatch(/^# feedctl begin\n(?!PATH).*sync --all --quiet.*# feedctl end\n$/s)
    expect((await install('--yes')).out).toBe(`unchanged: ${crontab}\n`)
    expect(readFileSync(crontab).equals(first)).toBe(true)
    expect((await install('--remove', '--yes')).out).toBe(`removed: ${crontab}\n`)
    expect(readFileSync(crontab).equals(whole)).toBe(true)
    expect((await install('--remove', '--yes')).out).toBe('nothing of feedctl is installed\n')
  })

  it('refuses where neither systemd nor cron is, and flags that exclude each other', async () => {
    const { install, crontab } = machine()
    expect(await install('--yes')).toMatchObject({ exit: 2, err: expect.stringContaining('neither systemd nor cron is here') })
    expect((await install('--yes', '--cron', '--user')).exit).toBe(2)
    expect(existsSync(crontab)).toBe(false)
  })
})

describe('two installations on one machine', () => {
  /** Another one's folder on the same machine. */
  const besides = (root: string, has: 'systemd' | 'cron') => {
    const cwd = join(root, 'staging')
    mkdirSync(cwd)
    const flags = ['schedule', 'install', '--root', root, '--run-as', USER, '--yes', ...(has === 'cron' ? ['--cron'] : [])]
    return { cwd, install: (...more: string[]) => runCli([...flags, ...more], { cwd, env: { HOME: '/home/feeder' } }) }
  }

  it.each([
    'systemd',
    'cron',
  ] as const)('do not replace or remove what the other has placed (%s), unless they are told to', async has => {
    const here = machine()
    here.has(has)
    const kind = has === 'cron' ? ['--cron'] : []
    expect((await here.install('--yes', ...kind)).exit).toBe(0)
    const standing = () =>
      has === 'cron' ? readFileSync(here.crontab) : readFileSync(join(here.root, FOLDER, 'feedctl-sync.service'))
    const before = standing()
    const other = besides(here.root, has)
    const whose = `is another installation's: feedctl in ${here.cwd}, with ${join(here.cwd, '.env')} (FOLDER_TAKEN)`
    for (const flags of [[], ['--dry-run'], ['--remove']]) {
      expect(await other.install(...flags)).toMatchObject({ exit: 4, err: expect.stringContaining(whose) })
    }
    writeFileSync(join(here.cwd, 'other.env'), '')
    expect((await here.install('--yes', ...kind, '--env-file', 'other.env')).exit).toBe(4)
    expect(standing().equals(before)).toBe(true)
    expect((await other.install('--replace')).out).toMatch(/^replaced: /)
    expect(standing().toString()).toContain(other.cwd)
    expect((await here.install('--yes', ...kind)).err).toContain('feedctl schedule install --remove there, or --replace here')
    expect((await other.install('--remove')).out).toMatch(/^removed: /)
    expect((await here.install('--yes', ...kind)).exit).toBe(0)
  })
})

describe('whom it is for', () => {
  it.each([
    ['print', 'cron', '--user'],
    ['print', 'cron', '--run-as', USER],
    ['print', 'systemd', '--user', '--run-as', USER],
    ['install', '--user', '--run-as', USER, '--yes'],
  ])('is refused where nobody would heed it: %s %s %s', async (...argv) => {
    expect(await machine().cli(...argv)).toMatchObject({ exit: 2, out: '', err: expect.stringContaining('(USAGE)\n  try: ') })
  })

  it.each(['bob\nExecStartPre=/bin/evil', '../bob', '-u', 'a b', ''])('has to be a name: %j', async name => {
    const { cli, install, has, root, crontab } = machine()
    has('cron')
    expect(await cli('print', 'systemd', `--run-as=${name}`)).toMatchObject({ exit: 2, out: '' })
    expect((await install('--yes', '--cron', `--run-as=${name}`)).exit).toBe(2)
    expect([existsSync(crontab), readdirSync(root).sort()]).toEqual([false, ['srv', 'usr']])
  })

  it.each(['feeder', 'first.last', '_feeds-1', 'HOST$', '1000'])('may be %s', async name => {
    expect((await machine().cli('print', 'systemd', '--run-as', name)).out).toContain(`\nUser=${name}\n`)
  })
})

describe('feedctl schedule run', () => {
  it('gives way to another where jobs run in its process, and names it', async () => {
    await using installation = await Installation.create({})
    await using app = await installation.open()
    await withLock(app.catalog, 'schedule', async () => {
      for (const flags of [[], ['--once']]) {
        const { exit, err } = await installation.run(['schedule', 'run', ...flags])
        expect([exit, err]).toEqual([7, expect.stringContaining(`schedule is already running: pid ${process.pid} on `)])
      }
    })
  })

  it('--once says what came of it, and exits 6 when tenants or feeds fail', async () => {
    await using server = await startFeedServer({ items: 3 })
    await using installation = await Installation.create({})
    const once = async () => {
      const { exit, out, err } = await installation.run(['schedule', 'run', '--once', '--json'])
      const { entries, sync } = JSON.parse(out)
      const failed = entries.map((entry: { failed: number }) => entry.failed)
      return { exit, failed, sync, error: err === '' ? null : err }
    }
    expect(await once()).toEqual({ exit: 0, failed: [0, 0, 0, 0, 0], sync: null, error: null })
    await installation.createTenant('acme', [server.urlOf(1)])
    expect(await once()).toMatchObject({ exit: 0, sync: { tenants: { ok: 1, failed: 0 }, posts: { new: 3 } } })
    await installation.createTenant('broken', ['http://127.0.0.1:1/feed'])
    expect(await once()).toMatchObject({
      exit: 6,
      failed: [0, 0, 0, 0, 0],
      sync: { tenants: { total: 1, ok: 1 }, feeds: { total: 1, failed: 1 } },
      error: expect.stringContaining('1 of 1 feeds failed'),
    })
    await installation.createTenant('gone', [server.urlOf(2)])
    rmSync(join(installation.env.FEEDCTL_DATA ?? '', 'databases/tenant_gone.db'))
    const { exit, failed, sync, error } = await once()
    expect([exit, failed, sync.tenants.failed]).toEqual([6, [1, 1, 0, 0, 0], 1])
    expect(error).toContain('failed: 1 job of sync-due, 1 job of prune-posts')
    const quiet = await installation.run(['schedule', 'run', '--once', '--quiet'])
    expect([quiet.exit, quiet.out]).toEqual([6, expect.stringMatching(/^ {2}prune-posts +1 time, 1 job failed$/m)])
  })

  it('--once adds the jobs to the queue, and says that no worker is there', async () => {
    await using installation = await Installation.create({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis' })
    const { exit, out, err } = await installation.run(['schedule', 'run', '--once', '--json'])
    expect(exit).toBe(0)
    expect(err).toContain('no worker')
    expect(JSON.parse(out)).toMatchObject({
      driver: 'redis',
      entries: [
        { id: 'sync-due', job: 'StartDueSyncs', every_ms: 60_000, pattern: null, next_at: null, fired: 1 },
        { id: 'prune-posts', every_ms: null, pattern: '30 3 * * *', fired: 1, failed: 0 },
        { id: 'remove-tenants', fired: 1 },
        { id: 'prune-media', fired: 1 },
        { id: 'tend-moves', every_ms: 60_000, fired: 1 },
      ],
      sync: null,
      duration_ms: expect.any(Number),
    })
    const waiting = JSON.parse((await installation.run(['schedule', 'run', '--once', '--json'])).out)
    expect(waiting.entries.map((entry: { fired: number }) => entry.fired)).toEqual([0, 0, 0, 0, 0])
    const again = await installation.run(['schedule', 'run', '--once', '--quiet'])
    expect([again.exit, again.out, again.err]).toEqual([0, '', ''])
  })
})
