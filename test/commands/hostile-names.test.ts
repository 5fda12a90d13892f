import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { WORDS } from '../../commands/words.js'
import { dedicatedDatabase, parseSlug, sharedDatabase } from '../../src/tenants/ids.js'
import { runCli } from '../support/cli.js'
import { describeDatabases } from '../tenants/installation.js'

const REFUSED = [
  "acme'; drop table tenants; --",
  'acme"',
  '`acme`',
  '..',
  '../etc/passwd',
  'a/b',
  'a\\b',
  'acme.',
  'Acme',
  'acme_2',
  '-acme',
  '--yes-please',
  'ac me',
  'ac\nme',
  'ac\u0000me',
  'ac\u001b[2Jme',
  '\u202eemca',
  'ac\u200bme',
  'äcme',
  '🙂🙂',
  'a',
  'a'.repeat(42),
  'a'.repeat(10_000),
  '%00',
  '*',
  '',
]
/** Words that mean something to a database, a file system or feedctl itself. */
const KEPT = [
  'select',
  'database',
  'mysql',
  'information-schema',
  'con',
  'nul',
  'default',
  'all',
  'shared-1',
  'null',
  '00',
  'acme',
  'acme-2',
  'a--b',
]
const NAMES = [
  `O'Reilly "&" \`Söhne\``,
  '../../etc',
  '🙂 \u202egnp.exe',
  'two\nlines',
  'bell\u0007 \u001b[31mred',
  'x'.repeat(200),
  '; drop table tenants',
  'zero\u200bwidth',
]
const SOME_REFUSED = ['../etc', 'ac\u001b[2Jme', "x'; --", '`x1`', '']
/** What takes a tenant as `--tenant`, and what it wants besides. */
const FLAGGED: readonly (readonly [string, readonly string[]])[] = [
  ['queue pause', []],
  ['queue resume', []],
  ['queue failed', []],
  ['queue retry', ['--yes']],
  ['queue forget', ['--yes']],
  ['queue drain', ['--yes']],
  ['analytics ingest', ['-']],
]
/** What takes a host, what it wants besides, and what it says of one with such a name. */
const HOSTED: readonly (readonly [string, readonly string[], string])[] = [
  ['host add', ['--address', '/tmp/nowhere'], 'HOST_INVALID'],
  ['host set', ['--weight', '1'], 'HOST_NOT_FOUND'],
  ['host drain', [], 'HOST_NOT_FOUND'],
  ['host remove', ['--yes'], 'HOST_NOT_FOUND'],
]
/** What a command wants besides the tenant. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  'tenant export': ['--out', 'out.gz'],
  'tenant move': ['--to', 'shared'],
}
/** What some of them need to be set before they look at a name; nobody listens there. */
const SET = {
  FEEDCTL_MEDIA_KEY: 'k'.repeat(32),
  WASABI_ENDPOINT: 'http://127.0.0.1:1',
  WASABI_REGION: 'us-east-1',
  WASABI_BUCKET: 'nowhere',
  WASABI_ACCESS_KEY_ID: 'nobody',
  WASABI_SECRET_ACCESS_KEY: 'nothing',
}
/** Control characters but newlines, and those that turn the direction of writing. */
const RAW_CONTROLS = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

/** The commands whose first argument is a tenant, with what follows it. */
async function tenantCommands(): Promise<{ path: string[]; rest: string[] }[]> {
  const found: { path: string[]; rest: string[] }[] = []
  const pending = Object.keys(WORDS).map(word => [word])
  for (let path = pending.shift(); path !== undefined; path = pending.shift()) {
    const { out } = await runCli([...path, '--help'])
    const section = out.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? ''
    for (const [, child] of section.matchAll(/^ {2}([a-z][a-z-]*)/gm))
      if (child !== undefined && child !== 'help') pending.push([...path, child])
    const [, args] = /^Usage: feedctl [a-z -]+?\[options\]([^\n]*)/.exec(out) ?? []
    const [first, ...rest] = (args ?? '').trim().split(/\s+/)
    if (!/^[<[](slug|slug\|id|tenants?|slug\.\.\.|tenants\.\.\.)[>\]]$/.test(first ?? '')) continue
    found.push({ path, rest: rest.filter(arg => arg.startsWith('<')).map(() => 'https://a.example/') })
  }
  return found
}

describeDatabases('names that nobody should give', env => {
  const cli = (...argv: string[]) => runCli(argv, { env })
  beforeAll(async () => {
    await cli('init')
  })

  /** What was said to each hostile name but that it is none. */
  const heedless = async (argvOf: (name: string) => readonly string[], names: readonly string[], code = 'SLUG_INVALID') => {
    const said: string[] = []
    for (const name of names) {
      const { exit, err } = await runCli(argvOf(name), { env: { ...env, ...SET } })
      expect(err, JSON.stringify(name.slice(0, 20))).not.toMatch(RAW_CONTROLS)
      if (exit === 0 || !err.includes(`(${code})`))
        said.push(`${argvOf(name).join(' ').slice(0, 80)}: ${exit} ${err.slice(0, 200)}`)
    }
    return said
  }

  it('are refused by every command that takes a tenant, with words that cannot hijack a terminal', async () => {
    const commands = await tenantCommands()
    expect(commands.length).toBeGreaterThan(15)
    const opml = join(env.FEEDCTL_DATA ?? '', 'some.opml')
    writeFileSync(opml, '<opml version="2.0"><body><outline type="rss" xmlUrl="https://a.example/"/></body></opml>')
    const said: string[] = []
    for (const { path, rest } of commands) {
      const word = path.join(' ')
      const more = MORE[word] ?? []
      const names = word === 'tenant show' ? REFUSED : SOME_REFUSED
      const behind = word === 'feed import' ? [opml] : rest
      said.push(...(await heedless(name => [...path, ...more, '--yes', '--', name, ...behind], names)))
    }
    expect(said).toEqual([])
    expect(await heedless(name => ['tenant', 'create', '--yes', '--', name], REFUSED)).toEqual([])
  })

  it('are refused by every flag that takes a tenant, and as names of hosts', async () => {
    const file = join(env.FEEDCTL_DATA ?? '', 'fine.gz')
    await cli('tenant', 'create', 'fine-export')
    expect((await cli('tenant', 'export', 'fine-export', '--out', file)).exit).toBe(0)
    expect(await heedless(name => ['tenant', 'import', file, `--as=${name}`, '--yes'], SOME_REFUSED)).toEqual([])
    const said: string[] = []
    for (const [word, rest] of FLAGGED)
      said.push(...(await heedless(name => [...word.split(' '), `--tenant=${name}`, ...rest], SOME_REFUSED)))
    for (const [word, rest, code] of HOSTED)
      said.push(...(await heedless(name => [...word.split(' '), ...rest, '--', name], SOME_REFUSED, code)))
    expect(said).toEqual([])
  })

  it.each(['dedicated', 'shared'])('are names like others where they are but words (%s)', async placement => {
    const made = KEPT.map(slug => `${slug}${placement === 'shared' ? '-s' : ''}`)
    for (const slug of made) {
      const end = await cli('tenant', 'create', slug, '--placement', placement, '--feed', 'https://a.example/')
      expect([slug, end.exit, end.err]).toEqual([slug, 0, ''])
    }
    for (const slug of made) {
      const removed = await cli('tenant', 'delete', slug, '--now', '--yes')
      expect([slug, removed.exit]).toEqual([slug, 0])
      const left = made.slice(made.indexOf(slug) + 1).at(0)
      if (left !== undefined) expect(JSON.parse((await cli('feed', 'list', left, '--json')).out).feeds).toHaveLength(1)
    }
  })

  it('are kept to the letter as what people call a tenant, and shown harmlessly', async () => {
    for (const [index, name] of NAMES.entries()) {
      expect((await cli('tenant', 'create', `named-${index}`, '--name', name)).exit).toBe(0)
      expect(JSON.parse((await cli('tenant', 'show', `named-${index}`, '--json')).out).tenant.name).toBe(name)
      for (const shown of [await cli('tenant', 'show', `named-${index}`), await cli('tenant', 'list')])
        expect(shown.out, JSON.stringify(name)).not.toMatch(RAW_CONTROLS)
    }
    expect((await cli('tenant', 'create', 'too-long', '--name', 'x'.repeat(10_000))).exit).toBe(2)
  })

  it('are refused in a CSV by their lines, and nothing is created', async () => {
    const csv = `slug,name\nfine,Fine\n"../etc",Evil\n"ac\u001b[2Jme",Evil\n`
    const { exit, err } = await runCli(['tenant', 'create', '--from', '-'], { env, stdin: csv })
    expect([exit, err]).toEqual([4, expect.stringContaining('line 3: "../etc" is not a tenant slug')])
    expect(err).not.toMatch(RAW_CONTROLS)
    expect((await cli('tenant', 'show', 'fine')).exit).toBe(4)
  })
})

describe('the name of a tenant database', () => {
  it('is never too long for a server, whatever the prefix and the slug', () => {
    expect(dedicatedDatabase('p'.repeat(16), parseSlug('s'.repeat(41)))).toHaveLength(57)
    expect(sharedDatabase('p'.repeat(16), 1_000_000).length).toBeLessThanOrEqual(64)
  })

  it('is refused with a longer prefix, before anything is opened', async () => {
    const { exit, err } = await runCli(['tenant', 'list'], { env: { FEEDCTL_DATABASE_PREFIX: 'p'.repeat(17) } })
    expect([exit, err]).toEqual([3, expect.stringContaining('FEEDCTL_DATABASE_PREFIX')])
  })
})
