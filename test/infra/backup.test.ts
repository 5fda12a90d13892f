import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { findProgram } from '../support/server.js'
import { described, fileOf, onOneMachine, put, scaleOf } from './ground.js'
import { runProgram, startRenderedMariadb } from './mariadb-place.js'

test('every rendered program is what shellcheck has no word about', () => {
  const folder = temporaryFolder()
  const programs = [
    ...scaleOf(described({ scale: { database: { replica: { address: '10.0.0.21' } } } })),
    ...scaleOf(described({ scale: { backup: { offsite: null } } })).map(file => ({ ...file, path: `without/${file.path}` })),
  ].filter(({ mode }) => mode === 0o755)
  expect(programs.length).toBe(13)
  const paths = programs.map(program => put(folder, program))
  const { stdout } = spawnSync(findProgram(['shellcheck'], 'shellcheck'), ['--severity=style', ...paths], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

/** Where the machine allows it, with nothing that may be written but the folder, as its unit has it. */
function runVerify(program: string, folder: string, env: Readonly<Record<string, string>>): Promise<string> {
  const confined = ['-m', 'sh', '-c', 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && exec "$2"', 'sh', folder, program]
  const isAllowed = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0
  return isAllowed ? runProgram('unshare', confined, { env }) : runProgram(program, [], { env })
}

test('a backup has every database as of one moment, is copied elsewhere and proven; what is broken is told; one database comes back alone', async () => {
  const folder = temporaryFolder()
  const elsewhere = join(folder, 'elsewhere')
  const backup = { folder: join(folder, 'backups'), offsite: `offsite:${elsewhere}`, keep_days: 3 }
  const deployment = await onOneMachine(folder, { backup })
  const { database, install } = deployment.scale
  const ask = await startRenderedMariadb(folder, deployment, 'database')
  writeFileSync(join(install.config, 'rclone.conf'), '[offsite]\ntype = local\n')
  const env = { DB_CONNECTION: 'mysql', DB_SOCKET: `${database.run}/mysqld.sock`, DB_USERNAME: 'root' }
  for (const argv of [['init'], ['tenant', 'create', 'acme'], ['tenant', 'create', 'beta', '--placement', 'shared']]) {
    expect(await runCli(argv, { env, cwd: folder })).toMatchObject({ exit: 0 })
  }
  await ask('CREATE DATABASE stranger')
  await ask("CREATE USER 'feedctl'@'%'")
  // Not where another database begins.
  await ask("UPDATE feedctl.tenants SET name = 'odd\\n-- Current Database: `tenant_acme`\\n' WHERE slug = 'beta'")
  await ask("INSERT INTO tenant_acme.counters (tenant_id, name, next) VALUES (1, 'odd', 7)")

  const files = scaleOf(deployment)
  const program = (name: string) => put(folder, fileOf(files, 'database', `/${name}`))
  const textfiles = join(folder, 'textfiles')
  mkdirSync(textfiles)
  const place = { SOCKET: env.DB_SOCKET, TEXTFILES: textfiles, PLACE: folder, RUN_AS: 'root' }
  const old = join(backup.folder, 'feedctl-20200101T000000Z.sql.gz')
  mkdirSync(backup.folder)
  writeFileSync(old, '')
  utimesSync(old, 0, 0)
  expect(await runProgram(program('feedctl-backup'), [], { env: place })).toMatch(/ has 3 databases, \d+ bytes\n$/)
  const [accounts = '', accountsSum, name = '', ...others] = readdirSync(backup.folder).sort()
  expect([name, others]).toEqual([expect.stringMatching(/^feedctl-\d{8}T\d{6}Z\.sql\.gz$/), [`${name}.sha256`]])
  expect([accounts, accountsSum]).toEqual([name.replace('.sql.', '.accounts.'), `${accounts}.sha256`])
  expect(readdirSync(elsewhere).sort()).toEqual([accounts, `${accounts}.sha256`, name, `${name}.sha256`])
  expect(readFileSync(join(textfiles, 'feedctl-backup.prom'), 'utf8')).toMatch(
    /^feedctl_backup_last_success_timestamp_seconds \d+$/m,
  )

  expect(await runVerify(program('feedctl-backup-verify'), folder, place)).toMatch(/ is whole: 2 tenants, 3 databases\n$/)
  expect(readFileSync(join(textfiles, 'feedctl-backup-verify.prom'), 'utf8')).toMatch(
    /^feedctl_backup_verified_timestamp_seconds \d+$/m,
  )
  expect(readdirSync(folder).filter(entry => entry.startsWith('feedctl-verify'))).toEqual([])

  await ask('DROP DATABASE tenant_acme')
  await ask("UPDATE feedctl.tenants SET name = 'changed since'")
  const file = join(backup.folder, name)
  await expect(runProgram(program('feedctl-restore'), [file, 'stranger'], { env: place })).rejects.toThrow(
    /has no database stranger/,
  )
  await runProgram(program('feedctl-restore'), [file, 'tenant_acme'], { env: place })
  expect(await ask('SELECT next FROM tenant_acme.counters WHERE next = 7')).toHaveLength(1)
  expect(await ask("SELECT name FROM feedctl.tenants WHERE name = 'changed since'")).toHaveLength(2)

  appendFileSync(file, 'x')
  await expect(runProgram(program('feedctl-backup-verify'), [], { env: place })).rejects.toThrow(/did NOT match/)
  await expect(runProgram(program('feedctl-restore'), [file, 'all'], { env: place })).rejects.toThrow(/did NOT match/)
})
