import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { wholeNumber } from '../../commands/program.js'
import { WORDS } from '../../commands/words.js'
import { runCli } from '../support/cli.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
const GLOBALS = ['--json', '--quiet', '--progress <how>', '--env-file <path>', '--log-level <level>', '--no-color', '--yes']

/** The lines under "Commands:" as words, `help` excepted. */
function subcommandsIn(help: string): string[] {
  const section = help.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? ''
  const words = [...section.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(match => match[1] ?? '')
  return words.filter(word => word !== 'help')
}

describe('help', () => {
  it('lists every word with its description, on stdout', async () => {
    const { exit, out, err } = await runCli(['--help'])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(subcommandsIn(out)).toEqual(Object.keys(WORDS))
    const flat = out.replace(/\s+/g, ' ')
    for (const { description } of Object.values(WORDS)) expect(flat).toContain(description)
  })

  it.each(Object.keys(WORDS))('of %s and all its commands shows the global options and ends in examples', async word => {
    const pending = [[word]]
    for (let path = pending.shift(); path !== undefined; path = pending.shift()) {
      const { exit, out } = await runCli([...path, '--help'])
      expect(exit).toBe(0)
      expect(out).toContain(`Usage: feedctl ${path.join(' ')}`)
      for (const flag of GLOBALS) expect(out).toContain(`  ${flag}`)
      expect(out, path.join(' ')).toMatch(/\nExamples:\n( {2}.*feedctl .*\n)+$/)
      const description = out.split('\n\n')[1]
      expect(description, path.join(' ')).not.toMatch(/^Options:/)
      for (const child of subcommandsIn(out)) pending.push([...path, child])
    }
  })

  it('is the same by `help word` and by `word --help`', async () => {
    expect(await runCli(['help', 'tenant', 'create'])).toEqual(await runCli(['tenant', 'create', '--help']))
    expect(await runCli(['help'])).toEqual(await runCli(['--help']))
  })

  it('prints the version of the package', async () => {
    expect(await runCli(['--version'])).toEqual({ exit: 0, out: `${version}\n`, err: '' })
  })
})

describe('a command line that is wrong', () => {
  it.each([
    [['tennant'], "unknown command 'tennant'", 'feedctl tenant'],
    [['tennant', '--help'], "unknown command 'tennant'", 'feedctl tenant'],
    [['help', 'zzz'], "unknown command 'zzz'", 'feedctl --help'],
    [['toString'], "unknown command 'toString'", 'feedctl --help'],
    [['tenant', 'creat'], "unknown command 'creat'", 'feedctl tenant create'],
    [['config', '--jsn'], "unknown option '--jsn'", 'feedctl config --json'],
    [['config', 'surplus'], "too many arguments for 'config'. Expected 0 arguments but got 1.", 'feedctl config --help'],
    [['completion'], "missing required argument 'shell'", 'feedctl completion --help'],
    [
      ['completion', 'tcsh'],
      "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish.",
      'feedctl completion --help',
    ],
    [['config', '--env-file'], "option '--env-file <path>' argument missing", 'feedctl --help'],
  ])('%j exits 2 with words and what to try', async (argv, what, hint) => {
    const result = await runCli(argv)
    expect(result).toEqual({ exit: 2, out: '', err: `error: ${what} (USAGE)\n  try: ${hint}\n` })
  })

  it('is said as JSON under --json, before the words or after them', async () => {
    for (const argv of [
      ['--json', 'tennant'],
      ['tennant', '--json'],
      ['--progress', 'loud', '--json', 'config'],
      ['tenant', '--json'],
      ['--json'],
    ]) {
      const { exit, out, err } = await runCli(argv)
      expect({ exit, out }).toEqual({ exit: 2, out: '' })
      expect(JSON.parse(err)).toMatchObject({ error: { code: 'USAGE', message: expect.any(String), hint: expect.any(String) } })
    }
  })

  it.each([[[]], [['tenant']]])('that names no command %j shows help on stderr', async argv => {
    const { exit, out, err } = await runCli(argv)
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(err).toContain('Commands:')
    expect(err).toMatch(/error: .* needs a command \(USAGE\)\n {2}try: feedctl .*--help\n$/)
  })

  it.each(['0', '6', '1.5', '1e0', '-1', '', 'x', '0x1'])('has no whole number from 1 to 5 in %j', text => {
    expect(() => wholeNumber(1, 5)(text)).toThrow('It is not a whole number from 1 to 5.')
    expect(wholeNumber(1, 5)('5')).toBe(5)
  })

  it('takes global options before the words and after them', async () => {
    const after = await runCli(['config', '--json', '--log-level', 'error'])
    expect(after.exit).toBe(0)
    expect(await runCli(['--json', '--log-level', 'error', 'config'])).toEqual(after)
  })
})
