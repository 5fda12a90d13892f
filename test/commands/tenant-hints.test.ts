import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../support/cli.js'

const env = { FEEDCTL_DATA: mkdtempSync(join(tmpdir(), 'feedctl-test-')) }
const file = (name: string, text: string) => {
  const path = join(env.FEEDCTL_DATA, name)
  writeFileSync(path, text)
  return path
}
const run = (argv: readonly string[]) => runCli(['tenant', ...argv], { env })

beforeAll(async () => {
  expect(await run(['create', 'acme'])).toMatchObject({ exit: 0 })
})

afterAll(() => rmSync(env.FEEDCTL_DATA, { recursive: true }))

it.each<[refused: string, argv: readonly string[], code: string, hint: string]>([
  ['two deeds with spares', ['spare', '--fill', '1', '--drop'], 'USAGE', 'feedctl tenant spare --help'],
  ['an unknown placement', ['create', 'new', '--placement', 'near'], 'USAGE', '--placement dedicated'],
  ['one of an import', ['import', file('some.gz', ''), '--placement', 'near'], 'USAGE', '--placement dedicated'],
  ['a file that is not there', ['import', '/nope'], 'FILE_UNREADABLE', 'feedctl tenant import with the path of a file'],
  ['a list that is not there', ['create', '--from', '/nope'], 'FILE_UNREADABLE', '--from with the path of a CSV file'],
  ['a page of one receipt', ['receipt', 'acme', '--limit', '5'], 'USAGE', 'feedctl tenant receipt --help'],
  ['no time', ['delete', 'acme', '--grace', 'soon', '--yes'], 'USAGE', '--grace 7d'],
  ['no URL', ['probe', '--url', 'nonsense'], 'USAGE', '--url https://api.example.com'],
  ['flags of a migration', ['migrate', '--check', '--dry-run'], 'USAGE', 'feedctl tenant migrate --help'],
  ['no move', ['move', 'acme', '--undo'], 'MOVE_NOT_FOUND', 'feedctl tenant move --list'],
  ['an empty name', ['create', 'new', '--name', ' '], 'USAGE', '--name "Acme Ltd."'],
])('who is refused %s is told what helps', async (_what, argv, code, hint) => {
  const { exit, err } = await run(argv)
  expect(exit).not.toBe(0)
  expect(err).toContain(`(${code})`)
  expect(err).toContain(`  try: ${hint}`)
})

it('who asks for the database user of a tenant on SQLite is told that it has none', async () => {
  expect(await run(['db-user', 'acme'])).toMatchObject({ exit: 0, out: 'tenant acme has no database user: SQLite has none\n' })
})

it('who would remove the host of the catalog is told what may be done instead', async () => {
  const { err } = await runCli(['host', 'remove', 'default', '--yes'], { env })
  expect(err).toContain('the catalog is on the host default (HOST_IN_USE)\n  try: feedctl host drain default')
  expect(await runCli(['host', 'drain', 'default'], { env })).toMatchObject({ exit: 0 })
})
