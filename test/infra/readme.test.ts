import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { RENDERED_PHASES, renderFiles } from '../../src/infra/render.js'
import { loadCommands } from '../borders/docs.js'
import { commandFaults } from '../borders/docs-commands.js'
import { described } from './ground.js'

const EVERYTHING = { scale: { database: { replica: { address: '10.0.0.21' } } } }
const LEAST = {
  media: null,
  names: { media: null },
  scale: { balancer: { tls: null, front: ['10.0.0.5'] }, backup: { offsite: null } },
}

describe.each(
  RENDERED_PHASES.flatMap(phase => [EVERYTHING, LEAST].map(value => [phase, value] as const)),
)('the README of phase %s, of %j', (phase, value) => {
  const [readme, ...files] = renderFiles(phase, described(value))
  const text = readme?.text ?? ''

  test('names every file', () => {
    expect(readme?.path).toBe('README.md')
    expect(files.length).toBeGreaterThan(20)
    expect(files.map(({ path }) => path).filter(path => !text.includes(`| \`${path}\` |`))).toEqual([])
  })

  test('says what nothing has validated', () => {
    expect(text).toMatch(/^Nothing has validated:\n\n(- .*[;.]\n){4,}/m)
  })

  test('has commands of feedctl that there are, in lines that a shell can read', async () => {
    const { looked, faults } = commandFaults({ path: 'README.md', text: typedIn(text) }, await loadCommands())
    expect(looked).toBeGreaterThan(3)
    expect(faults).toEqual([])
    const code = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines).join('\n')
    const { stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' })
    expect(stderr).toBe('')
  })
})

/** The command lines of feedctl: the same word is the name of a user and of much else. */
function typedIn(text: string): string {
  const lines = [...text.matchAll(/^feedctl .*$|(?<=`)feedctl [^`\n]*(?=`)/gm)].map(([line]) => line)
  const started = [...text.matchAll(/feedctl\.js ([a-z].*)$/gm)].map(([, words]) => `feedctl ${words}`)
  return ['```sh', ...lines, ...started, '```', ''].join('\n')
}

test('a new version starts the API again where all pods had ended', () => {
  const [readme] = renderFiles('enterprise', described({ enterprise: { api: { min: 5 } } }))
  const after = readme?.text.slice(readme.text.indexOf('## A new version')) ?? ''
  expect(after.match(/scale deployment\/feedctl-api --replicas=5$/gm)).toHaveLength(2)
})

test('a tenant of each region is placed on hosts that are told to be there, and replicas are read', () => {
  const [readme] = renderFiles('enterprise', described({}))
  expect(readme?.text.match(/^feedctl (host|tenant) .*$/gm)).toEqual([
    'feedctl host set default --region eu --connections 600',
    'feedctl host add eu-1 --address eu-1.feedctl.internal:3306 --region eu --connections 600 --read-address eu-1-read-1.feedctl.internal:3306',
    'feedctl host add us-1 --address us-1.feedctl.internal:3306 --region us --connections 600 --read-address us-1-read-1.feedctl.internal:3306',
    'feedctl tenant create acme-eu --region eu',
    'feedctl tenant create acme-us --region us',
  ])
})
