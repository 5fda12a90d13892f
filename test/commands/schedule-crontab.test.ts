import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

const IS_ROOT = process.getuid?.() === 0
const ME = userInfo().username
const NOBODY = 65_534

/** Keeps crontabs as files beside itself, and notes how it was called. What it says of a user without one is cron's or busybox's. */
const PROGRAM = `#!/bin/sh
here=$(dirname "$0"); who=${ME}
echo "$*" >> "$here/calls"
if [ "$1" = -u ]; then who=$2; shift 2; fi
test -e "$here/broken" && { echo "you ($who) may not use this program" >&2; exit 1; }
case "$1" in
  -l) test -e "$here/$who" && exec cat "$here/$who"
      test -e "$here/busybox" && echo "crontab: can't open '$who': No such file or directory" >&2 || echo "no crontab for $who" >&2
      exit 1 ;;
  -) exec cat > "$here/$who" ;;
esac
exit 2
`

/** A machine whose `crontab` is the program above. */
function machine() {
  const top = temporaryFolder()
  chmodSync(top, 0o755)
  const [bin, cwd] = [join(top, 'bin'), join(top, 'srv')]
  for (const folder of [bin, cwd]) mkdirSync(folder)
  writeFileSync(join(bin, 'crontab'), PROGRAM, { mode: 0o755 })
  const install = (...flags: string[]) =>
    runCli(['schedule', 'install', '--cron', '--yes', ...flags], { cwd, env: { PATH: bin, SUDO_USER: ME } })
  const of = (name: string) => join(bin, name)
  const calls = () => readFileSync(of('calls'), 'utf8').trim().split('\n')
  return { cwd, install, of, calls, storage: join(cwd, 'storage') }
}

describe('the program crontab', () => {
  it.each([
    'cron',
    'busybox',
  ])('is given the lines of one who has none yet, keeps them, and loses them again (%s)', async kind => {
    const { install, of, cwd } = machine()
    if (kind === 'busybox') writeFileSync(of('busybox'), '')
    expect(await install()).toMatchObject({ exit: 0, out: expect.stringContaining('created: crontab\n') })
    expect(readFileSync(of(ME), 'utf8')).toMatch(new RegExp(`^# feedctl begin\n(.*\n)+.* cd ${cwd} && .* sync --all`))
    expect((await install()).out).toBe('unchanged: crontab\n')
    expect((await install('--remove')).out).toBe('removed: crontab\n')
    expect(readFileSync(of(ME), 'utf8')).toBe('')
  })

  it('keeps every other byte', async () => {
    const { install, of } = machine()
    const theirs = Buffer.from('* * * * * echo "\xff %"\n', 'latin1')
    writeFileSync(of(ME), theirs)
    expect((await install()).exit).toBe(0)
    expect(readFileSync(of(ME)).subarray(0, theirs.length).equals(theirs)).toBe(true)
    await install('--remove')
    expect(readFileSync(of(ME)).equals(theirs)).toBe(true)
  })

  it('that refuses is said with what to try, and nothing is written', async () => {
    const { install, of } = machine()
    writeFileSync(of('broken'), '')
    const { exit, err } = await install()
    expect([exit, err]).toEqual([
      4,
      expect.stringMatching(/crontab cannot be read: you .* \(FILE_UNREADABLE\)\n {2}try: .*crontab -l/),
    ])
    expect(existsSync(of(ME))).toBe(false)
  })

  it.runIf(IS_ROOT)('is asked for the crontab of whom root names', async () => {
    const { install, of, calls } = machine()
    expect(await install('--run-as', 'nobody')).toMatchObject({
      exit: 0,
      out: expect.stringContaining('created: crontab of nobody\n'),
    })
    expect([existsSync(of('nobody')), existsSync(of(ME))]).toEqual([true, false])
    expect([...new Set(calls())]).toEqual(['-u nobody -l', '-u nobody -'])
  })

  it.runIf(!IS_ROOT)('is not asked for the crontab of another by anyone but root', async () => {
    const { install, of } = machine()
    expect(await install('--run-as', 'nobody')).toMatchObject({ exit: 2, err: expect.stringContaining('only root') })
    expect([existsSync(of('nobody')), existsSync(of(ME))]).toEqual([false, false])
  })
})

describe.runIf(IS_ROOT)('the data folder', () => {
  it('is made for the user who will write it, on no dry run', async () => {
    const { install, storage } = machine()
    expect((await install('--run-as', 'nobody', '--dry-run')).out).toContain(`would be created: ${storage}\n`)
    expect(existsSync(storage)).toBe(false)
    expect((await install('--run-as', 'nobody')).out).toContain(`created: ${storage}\n`)
    expect([statSync(storage).uid, statSync(storage).mode & 0o777]).toEqual([NOBODY, 0o700])
    expect((await install('--run-as', 'nobody')).out).toBe('unchanged: crontab of nobody\n')
  })

  it.each([
    'storage',
    'storage/databases',
    'storage/databases/feedctl.db',
  ])('that this user cannot write is refused: %s', async path => {
    const { install, cwd, storage, of } = machine()
    const folders = [storage, join(storage, 'databases')]
    for (const folder of folders) mkdirSync(folder, { mode: 0o777 })
    for (const folder of folders) chmodSync(folder, 0o777)
    writeFileSync(join(storage, 'databases/feedctl.db'), '', { mode: 0o644 })
    if (!path.endsWith('.db')) {
      chmodSync(join(storage, 'databases/feedctl.db'), 0o666)
      chmodSync(join(cwd, path), 0o700)
    }
    const { exit, err } = await install('--run-as', 'nobody')
    expect([exit, err]).toEqual([
      4,
      `error: nobody cannot write ${join(cwd, path)} (FILE_UNREADABLE)\n  try: chown -R nobody ${storage}\n`,
    ])
    expect([existsSync(of('nobody')), (await install()).exit]).toEqual([false, 0])
  })

  it('is not made where this user cannot enter, nor for one whom nobody knows, nor where databases are kept elsewhere', async () => {
    const { install, cwd, storage } = machine()
    expect(await install('--run-as', 'no-such-user')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('no user no-such-user'),
    })
    chmodSync(cwd, 0o700)
    expect(await install('--run-as', 'nobody')).toMatchObject({
      exit: 4,
      err: expect.stringContaining(`nobody cannot enter ${cwd} (`),
    })
    writeFileSync(join(cwd, '.env'), 'DB_CONNECTION=mysql\n')
    expect((await install('--run-as', 'nobody')).exit).toBe(0)
    expect(existsSync(storage)).toBe(false)
  })
})
