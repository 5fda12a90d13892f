import { execFileSync, spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { WORDS } from '../../commands/words.js'
import { runCli } from '../support/cli.js'

/** What bash offers for the last of the words typed. */
function completeInBash(script: string, words: readonly string[]): string[] {
  const ask = `${script}
COMP_WORDS=("$@")
COMP_CWORD=$(( $# - 1 ))
_feedctl
printf '%s\\n' "\${COMPREPLY[@]}"`
  const out = execFileSync('bash', ['--norc', '-u', '-c', ask, 'bash', 'feedctl', ...words], { encoding: 'utf8' })
  return out.split('\n').filter(line => line !== '')
}

function has(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0
}

describe('completion in bash', () => {
  let script = ''
  const offers = (...words: string[]) => completeInBash(script, words)

  beforeAll(async () => {
    const { exit, out, err } = await runCli(['completion', 'bash'])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    script = out
  })

  it('offers every word, and those that begin as typed', () => {
    expect(offers('')).toEqual(Object.keys(WORDS))
    expect(offers('co')).toEqual(['config', 'completion'])
  })

  it('offers the commands of a word, after options too', () => {
    expect(offers('tenant', '')).toEqual(expect.arrayContaining(['create', 'list', 'delete']))
    expect(offers('--env-file', 'feed', 'tenant', 'cr')).toEqual(['create'])
    expect(offers('--progress', '=', 'plain', 'tenant', 'cr')).toEqual(['create'])
  })

  it("offers a command's own options and the global ones", () => {
    expect(offers('tenant', 'create', '--')).toEqual(expect.arrayContaining(['--name', '--placement', '--json', '--env-file']))
    expect(offers('config', '--q')).toEqual(['--quiet'])
    expect(offers('config', '--h')).toEqual(['--help'])
    expect(offers('config', '--')).not.toContain('--name')
  })

  it('offers the choices of an option and of an argument', () => {
    expect(offers('sync', '--progress', '')).toEqual(['auto', 'bar', 'plain', 'json', 'none'])
    expect(offers('sync', '--progress', '=', 'p')).toEqual(['plain'])
    expect(offers('sync', '--progress', '=')).toEqual(['auto', 'bar', 'plain', 'json', 'none'])
    expect(offers('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  it('leaves the value of an option without choices to file names', () => {
    expect(offers('config', '--env-file', '')).toEqual([])
  })
})

describe('completion in other shells', () => {
  it.each(['zsh', 'fish'])('offers every word and option in %s', async shell => {
    const { exit, out } = await runCli(['completion', shell])
    expect(exit).toBe(0)
    for (const word of [...Object.keys(WORDS), 'create', 'env-file', 'plain']) expect(out).toContain(word)
  })

  it.for(['zsh', 'fish'])('has the grammar of %s', async (shell, { skip }) => {
    if (!has(shell)) skip(`${shell} is not installed`)
    const { out } = await runCli(['completion', shell])
    expect(spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  it('has no --json', async () => {
    expect(await runCli(['completion', 'bash', '--json'])).toMatchObject({ exit: 2, out: '' })
  })
})
