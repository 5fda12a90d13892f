import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SETTINGS } from '../../src/kernel/settings.js'
import { runCli } from '../support/cli.js'

interface Shown {
  readonly settings: readonly { readonly name: string; readonly value: string; readonly source: string; readonly doc: string }[]
}

describe('feedctl config', () => {
  let cwd: string

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'feedctl-config-'))
  })
  afterEach(() => {
    rmSync(cwd, { recursive: true, force: true })
  })

  async function settingOf(name: string, argv: readonly string[], env: Record<string, string> = {}) {
    const { exit, out, err } = await runCli(['config', '--json', ...argv], { env, cwd })
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    const { settings } = JSON.parse(out) as Shown
    const found = settings.find(setting => setting.name === name)
    return found && [found.value, found.source]
  }

  it('shows every setting with its value, source and doc', async () => {
    const { settings } = JSON.parse((await runCli(['config', '--json'], { cwd })).out) as Shown
    expect(settings.map(setting => setting.name)).toEqual(Object.values(SETTINGS).map(setting => setting.env))
    expect(settings[0]).toEqual({ name: 'DB_CONNECTION', value: 'sqlite', source: 'default', doc: SETTINGS.dbConnection.doc })
  })

  it('is a table without --json', async () => {
    const { out } = await runCli(['config'], { cwd, env: { DB_PORT: '3307' } })
    expect(out).toMatch(/^SETTING +VALUE +SOURCE\n/)
    expect(out).toMatch(/\nDB_PORT +3307 +environment\n/)
  })

  it('takes a flag before the environment, the environment before .env, and .env before the default', async () => {
    const name = 'FEEDCTL_LOG_LEVEL'
    expect(await settingOf(name, [])).toEqual(['warn', 'default'])
    writeFileSync(join(cwd, '.env'), `${name}=info\n`)
    expect(await settingOf(name, [])).toEqual(['info', '.env'])
    expect(await settingOf(name, [], { [name]: 'debug' })).toEqual(['debug', 'environment'])
    expect(await settingOf(name, ['--log-level', 'error'], { [name]: 'debug' })).toEqual(['error', 'flag'])
  })

  it('reads --env-file instead of .env, from the working folder', async () => {
    writeFileSync(join(cwd, '.env'), 'DB_HOST=one\n')
    writeFileSync(join(cwd, 'other.env'), 'DB_PORT=3307\n')
    expect(await settingOf('DB_PORT', ['--env-file', 'other.env'])).toEqual(['3307', '.env'])
    expect(await settingOf('DB_HOST', ['--env-file', 'other.env'])).toEqual(['127.0.0.1', 'default'])
  })

  it('refuses an --env-file that is not there', async () => {
    const { exit, out, err } = await runCli(['config', '--env-file', 'missing.env'], { cwd })
    expect({ exit, out }).toEqual({ exit: 3, out: '' })
    expect(err).toMatch(/^error: cannot read .*missing\.env: .* \(CONFIG_INVALID\)\n/)
  })

  it('names every mistake at once', async () => {
    const env = { DB_CONNECTION: 'oracle', DB_PORT: '99999', FEEDCTL_DATTA: 'x' }
    const { exit, err } = await runCli(['config'], { cwd, env })
    expect(exit).toBe(3)
    expect(err).toContain('DB_CONNECTION="oracle" is not one of sqlite, mysql')
    expect(err).toContain('DB_PORT="99999" is above 65535')
    expect(err).toContain('FEEDCTL_DATTA is not a setting, did you mean FEEDCTL_DATA?')
    expect(err).toContain('\n  try: feedctl config --help')
  })

  it('never shows a secret, from wherever it comes', async () => {
    writeFileSync(join(cwd, 'password'), 'filed-secret\n')
    writeFileSync(join(cwd, '.env'), `DB_PASSWORD_FILE=${join(cwd, 'password')}\nREDIS_PASSWORD=dotenv-secret\n`)
    const env = { REDIS_URL: 'redis://:env-secret@cache:6379' }
    for (const argv of [['config'], ['config', '--json']]) {
      const { out, err } = await runCli(argv, { cwd, env })
      expect(out + err).not.toContain('secret@')
      expect(out + err).not.toMatch(/(filed|dotenv|env)-secret/)
      expect(out).toContain('***')
    }
    expect(await settingOf('DB_PASSWORD', [], env)).toEqual(['***', 'file'])
    expect(await settingOf('WASABI_SECRET_ACCESS_KEY', [], env)).toEqual(['', 'default'])
  })

  it('is silent when quiet', async () => {
    expect(await runCli(['config', '--quiet'], { cwd })).toEqual({ exit: 0, out: '', err: '' })
  })

  it('lists every setting with its doc line in its help', async () => {
    const { exit, out } = await runCli(['config', '--help'], { cwd })
    expect(exit).toBe(0)
    const lines = out.split('\n')
    for (const { env, doc } of Object.values(SETTINGS)) {
      expect(lines.some(line => line.startsWith(`  ${env} `) && line.includes(`  ${doc} (`))).toBe(true)
    }
  })
})
