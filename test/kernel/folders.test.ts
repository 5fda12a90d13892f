import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder } from '../../src/kernel/folders.js'
import { BIN } from '../support/bin.js'
import { temporaryFolder } from '../support/folders.js'

describe('a folder', () => {
  it('is made with those above it, and is left as it is when it is there', () => {
    const top = temporaryFolder()
    makeFolder(join(top, 'a/b/c'), 0o700)
    expect(['a', 'a/b', 'a/b/c'].map(name => statSync(join(top, name)).mode & 0o777)).toEqual([0o700, 0o700, 0o700])
    mkdirSync(join(top, 'there'), { mode: 0o755 })
    makeFolder(join(top, 'there'), 0o700)
    expect(statSync(join(top, 'there')).mode & 0o777).toBe(0o755)
  })

  it('is refused below a file', () => {
    const top = temporaryFolder()
    writeFileSync(join(top, 'file'), '')
    expect(() => makeFolder(join(top, 'file/a/b'))).toThrow('ENOTDIR')
  })

  it.runIf(existsSync('/proc/self')).each([
    ['/proc/nope/d', 'cannot create /proc/nope/d/databases/feedctl.db: ENOENT'],
    [BIN, 'ENOTDIR'],
  ])('that cannot be made is said at once by every command: %s', (data, words) => {
    const { status, stderr } = spawnSync(process.execPath, [BIN, 'tenant', 'list'], {
      cwd: temporaryFolder(),
      env: { FEEDCTL_DATA: data },
      encoding: 'utf8',
      timeout: 50_000,
      killSignal: 'SIGKILL',
    })
    expect([status, stderr.toLowerCase()]).toEqual([5, expect.stringContaining(words.toLowerCase())])
    expect(stderr).toContain('FEEDCTL_DATA')
  })
})
