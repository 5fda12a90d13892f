import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

const RENDER = ['infra', 'render', '--phase', 'scale', '--out', 'out']

interface Rendered {
  readonly files: readonly { path: string; machine: string | null; destination: string | null; mode: string }[]
  readonly created: number
  readonly replaced: number
  readonly unchanged: number
  readonly removed: number
}

const treeOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .sort()
      .map(path => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  )

describe('infra render', () => {
  test('writes every file it lists, and the same bytes again', async () => {
    const cwd = temporaryFolder()
    const first = await runCli([...RENDER, '--json'], { cwd })
    expect([first.exit, first.err]).toEqual([0, ''])
    const told = JSON.parse(first.out) as Rendered
    const tree = treeOf(join(cwd, 'out'))
    expect([...told.files.map(({ path }) => path), 'feedctl-infra.json'].sort()).toEqual(Object.keys(tree))
    expect(told.created).toBe(told.files.length)
    for (const { path, machine, destination, mode } of told.files) {
      expect(`${(statSync(join(cwd, 'out', path)).mode & 0o777).toString(8).padStart(4, '0')}`).toBe(mode)
      if (destination !== null) expect(path).toBe(`${machine}${destination}`)
    }
    const again = await runCli([...RENDER, '--json'], { cwd })
    expect(JSON.parse(again.out)).toMatchObject({ created: 0, replaced: 0, unchanged: told.files.length, removed: 0 })
    expect(treeOf(join(cwd, 'out'))).toEqual(tree)
  })

  test.each([0o027, 0o077])('gives files and folders the modes of the machines under a umask of %o', async umask => {
    const cwd = temporaryFolder()
    const before = process.umask(umask)
    onTestFinished(() => void process.umask(before))
    const { out } = await runCli([...RENDER, '--json'], { cwd })
    const modeOf = (path: string) => (statSync(join(cwd, 'out', path)).mode & 0o777).toString(8).padStart(4, '0')
    const { files } = JSON.parse(out) as Rendered
    expect(files.filter(({ path, mode }) => modeOf(path) !== mode)).toEqual([])
    const folders = readdirSync(join(cwd, 'out'), { recursive: true, withFileTypes: true }).filter(entry => entry.isDirectory())
    expect(folders.length).toBeGreaterThan(20)
    expect([...new Set(folders.map(({ parentPath, name }) => statSync(join(parentPath, name)).mode & 0o777))]).toEqual([0o755])
  })

  test('takes a description, replaces what it changes and removes what is no more', async () => {
    const cwd = temporaryFolder()
    await runCli(RENDER, { cwd })
    const hosts = [{ name: 'one', address: '10.1.0.1', roles: ['api', 'workers', 'scheduler'] }]
    writeFileSync(join(cwd, 'd.json'), JSON.stringify({ scale: { app: { hosts } } }))
    const { exit, out } = await runCli([...RENDER, '--deployment', 'd.json', '--json'], { cwd })
    expect(exit).toBe(0)
    const told = JSON.parse(out) as Rendered
    expect(told.removed).toBeGreaterThan(8)
    expect(told.replaced).toBeGreaterThan(0)
    expect(readdirSync(join(cwd, 'out')).filter(name => name.startsWith('app-'))).toEqual([])
    expect(readFileSync(join(cwd, 'out/balancer/etc/nginx/nginx.conf'), 'utf8')).toContain('server 10.1.0.1:8080 ')
  })

  test('leaves a folder alone that has files of others, or that somebody changed, unless told otherwise', async () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'out'))
    writeFileSync(join(cwd, 'out/notes.txt'), 'mine')
    const refused = await runCli(RENDER, { cwd })
    expect([refused.exit, refused.err]).toEqual([
      4,
      'error: out has files that no rendering wrote: notes.txt (FOLDER_TAKEN)\n  try: an empty folder, or the same command with --yes\n',
    ])
    expect(treeOf(join(cwd, 'out'))).toEqual({ 'notes.txt': 'mine' })
    expect((await runCli([...RENDER, '--yes'], { cwd })).exit).toBe(0)
    expect(readFileSync(join(cwd, 'out/notes.txt'), 'utf8')).toBe('mine')

    rmSync(join(cwd, 'out/notes.txt'))
    const env = join(cwd, 'out/app-1/etc/feedctl/feedctl.env')
    const before = readFileSync(env, 'utf8')
    writeFileSync(env, `${before}FEEDCTL_API_RATE=1\n`)
    const changed = await runCli(RENDER, { cwd })
    expect([changed.exit, changed.err.split('\n')[0]]).toEqual([
      4,
      'error: out has files that were changed since: app-1/etc/feedctl/feedctl.env (FOLDER_TAKEN)',
    ])
    expect((await runCli([...RENDER, '--yes'], { cwd })).exit).toBe(0)
    expect(readFileSync(env, 'utf8')).toBe(before)
  })

  test('goes on where one was killed between two files', async () => {
    const cwd = temporaryFolder()
    await runCli(RENDER, { cwd })
    writeFileSync(join(cwd, 'd.yaml'), 'scale: { app: { processes: 5 } }\n')
    const wanted = [...RENDER, '--deployment', 'd.yaml']
    const manifest = JSON.parse(readFileSync(join(cwd, 'out/feedctl-infra.json'), 'utf8')) as { files: Record<string, string[]> }
    await runCli(wanted, { cwd })
    const after = JSON.parse(readFileSync(join(cwd, 'out/feedctl-infra.json'), 'utf8')) as typeof manifest
    const both = Object.fromEntries(
      Object.entries(after.files).map(([path, sums]) => [path, [...(manifest.files[path] ?? []), ...sums]]),
    )
    writeFileSync(join(cwd, 'out/feedctl-infra.json'), JSON.stringify({ phase: 'scale', files: both }))
    writeFileSync(join(cwd, 'out/app-1/etc/feedctl/.feedctl.env.0123456789ab.part'), 'half')
    rmSync(join(cwd, 'out/app-2'), { recursive: true })
    expect((await runCli(wanted, { cwd })).exit).toBe(0)
  })

  test.each([
    ['no phase', ['infra', 'render', '--out', 'out'], 2, "required option '--phase <phase>' not specified (USAGE)"],
    ['another phase', ['infra', 'render', '--phase', 'mvp', '--out', 'out'], 2, "argument 'mvp' is invalid"],
    ['no folder', ['infra', 'render', '--phase', 'scale'], 2, "required option '--out <dir>' not specified (USAGE)"],
    ['a description that is not there', [...RENDER, '--deployment', 'no.yaml'], 4, 'no.yaml: '],
    [
      'a description that is wrong',
      [...RENDER, '--deployment', 'wrong.yaml'],
      3,
      'scale.app.hosts is not a list (CONFIG_INVALID)',
    ],
    ['a folder that is a file', ['infra', 'render', '--phase', 'scale', '--out', 'wrong.yaml'], 4, '(FILE_UNREADABLE)'],
  ])('refuses %s, and writes nothing', async (_what, argv, status, words) => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'wrong.yaml'), 'scale: { app: { hosts: 3 } }\n')
    const { exit, err } = await runCli(argv, { cwd })
    expect(err).toContain(words)
    expect(exit).toBe(status)
    expect(readdirSync(cwd)).toEqual(['wrong.yaml'])
  })
})

describe('infra describe', () => {
  test('prints a description that renders the same', async () => {
    const cwd = temporaryFolder()
    const { out } = await runCli(['infra', 'describe'], { cwd })
    writeFileSync(join(cwd, 'all.yaml'), out)
    await runCli(RENDER, { cwd })
    const { out: told } = await runCli([...RENDER, '--deployment', 'all.yaml', '--json'], { cwd })
    expect(JSON.parse(told)).toMatchObject({ replaced: 0, created: 0 })
  })
})
