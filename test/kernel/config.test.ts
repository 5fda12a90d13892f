import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ConfigInput, effectiveSettings, loadConfig } from '../../src/kernel/config.js'
import { isFailure } from '../../src/kernel/errors.js'
import { temporaryFolder } from '../support/folders.js'

const load = (input: Partial<ConfigInput>) => loadConfig({ env: {}, envFile: '/nonexistent/.env', envFileNamed: false, ...input })

function mistakesOf(input: Partial<ConfigInput>): string {
  try {
    load(input)
    return 'none'
  } catch (error) {
    expect(isFailure(error, 'CONFIG_INVALID')).toBe(true)
    return error instanceof Error ? error.message : ''
  }
}

describe('sources of a value', () => {
  it('are the flag, the environment, .env and the default, in this order', () => {
    const envFile = join(temporaryFolder(), '.env')
    writeFileSync(envFile, 'DB_HOST=dotenv\nDB_PORT=1\nDB_USERNAME=dotenv\n')
    const { config, sources } = load({
      envFile,
      env: { DB_HOST: 'environment', DB_PORT: '2' },
      flags: { DB_HOST: 'flag' },
    })
    expect([config.dbHost, config.dbPort, config.dbUsername, config.dbDatabase]).toEqual(['flag', 2, 'dotenv', 'feedctl'])
    expect([sources.dbHost, sources.dbPort, sources.dbUsername, sources.dbDatabase]).toEqual([
      'flag',
      'environment',
      '.env',
      'default',
    ])
  })

  it('skip an empty value', () => {
    const { config, sources } = load({ env: { DB_HOST: '', DB_PASSWORD: '', DB_PASSWORD_FILE: '' } })
    expect([config.dbHost, sources.dbHost, config.dbPassword]).toEqual(['127.0.0.1', 'default', null])
  })

  it('include the file that a secret names, without its line end, and the value itself wins over it', () => {
    const file = join(temporaryFolder(), 'password')
    writeFileSync(file, ' pass word \n')
    const filed = load({ env: { DB_PASSWORD_FILE: file } })
    expect([filed.config.dbPassword, filed.sources.dbPassword]).toEqual(['pass word', 'file'])
    expect(load({ env: { DB_PASSWORD_FILE: file, DB_PASSWORD: 'direct' } }).config.dbPassword).toBe('direct')
  })

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(load({}).config)).toBe(true)
  })

  it('read lists as lists and numbers as numbers', () => {
    const { config } = load({ env: { FEEDCTL_FETCH_ALLOW: ' 127.0.0.0/8, ,example.org ', FEEDCTL_DB_POOL: '16' } })
    expect([config.fetchAllow, config.dbPool]).toEqual([['127.0.0.0/8', 'example.org'], 16])
  })
})

describe('mistakes', () => {
  it('are told all at once, from every source', () => {
    const envFile = join(temporaryFolder(), '.env')
    writeFileSync(envFile, 'FEEDCTL_DB_POLL=3\nDB_PORT=0\n')
    const mistakes = mistakesOf({
      envFile,
      env: {
        DB_CONNECTION: 'oracle',
        FEEDCTL_DRAIN_MS: '1.5',
        FEEDCTL_DATABASE_PREFIX: 'Ten-ant',
        DB_PASSWORD_FILE: '/nonexistent/x',
      },
      flags: { FEEDCTL_LOG_LEVEL: 'loud' },
    }).split('; ')
    expect(mistakes).toHaveLength(7)
    expect(mistakes).toContain('FEEDCTL_DB_POLL is not a setting, did you mean FEEDCTL_DB_POOL?')
    expect(mistakes).toContain('DB_PORT="0" is below 1')
    expect(mistakes).toContain('DB_CONNECTION="oracle" is not one of sqlite, mysql')
    expect(mistakes).toContain('FEEDCTL_DRAIN_MS="1.5" is not a whole number')
    expect(mistakes).toContain('FEEDCTL_LOG_LEVEL="loud" is not one of debug, info, warn, error')
    expect(mistakes.find(words => words.startsWith('FEEDCTL_DATABASE_PREFIX="Ten-ant" is not '))).toBeDefined()
    expect(mistakes.find(words => words.startsWith('DB_PASSWORD_FILE: '))).toContain('/nonexistent/x')
  })

  it('never show a secret', () => {
    const envFile = join(temporaryFolder(), '.env')
    writeFileSync(envFile, 'DB_PASSWORD=dotenv-secret\n')
    const mistakes = mistakesOf({ envFile, env: { REDIS_URL: 'redis://:env-secret@x', DB_PORT: 'x' } })
    expect(mistakes).toBe('DB_PORT="x" is not a whole number')
  })

  it('are names that only look like settings; those of the tests and of others are left alone', () => {
    expect(mistakesOf({ env: { FEEDCTL_XQZWV: '1' } })).toBe('FEEDCTL_XQZWV is not a setting')
    expect(mistakesOf({ env: { FEEDCTL_TEST_MYSQL_URL: 'x', DB_HOSTT: 'y', PATH: '/bin' } })).toBe('none')
  })

  it('are a named file that is missing, and not the usual one that is', () => {
    expect(mistakesOf({ envFile: '/nonexistent/my.env', envFileNamed: true })).toContain('/nonexistent/my.env')
    expect(mistakesOf({})).toBe('none')
  })

  it('are addresses of a replica that are none', () => {
    for (const DB_READ_HOST of ['db2', 'db2:3307', '10.0.0.2:1', '[::1]:3306', '[fe80::1]', '/run/mysqld.sock'])
      expect([DB_READ_HOST, mistakesOf({ env: { DB_READ_HOST } })]).toEqual([DB_READ_HOST, 'none'])
    for (const DB_READ_HOST of ['db 2', 'db2:', 'db2:99999', 'mysql://db2', '::1:3306', 'db2:3306:1'])
      expect(mistakesOf({ env: { DB_READ_HOST } })).toContain('DB_READ_HOST')
  })
})

describe('the effective settings', () => {
  it('hide what is secret and show where everything comes from', () => {
    const shown = effectiveSettings(load({ env: { DB_PASSWORD: 'hunter2', FEEDCTL_FETCH_ALLOW: 'a,b' } }))
    const named = (name: string) => shown.find(setting => setting.name === name)
    expect(named('DB_PASSWORD')).toMatchObject({ value: '***', source: 'environment' })
    expect(named('REDIS_PASSWORD')).toMatchObject({ value: '', source: 'default' })
    expect(named('FEEDCTL_FETCH_ALLOW')).toMatchObject({ value: 'a,b' })
    expect(JSON.stringify(shown)).not.toContain('hunter2')
  })
})
