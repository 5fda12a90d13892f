import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { closingText } from '../../commands/demo/telling.js'
import type { Program } from '../../commands/program.js'
import { showBacklog } from '../../src/api/backlog-gauges.js'
import { ApiMetrics } from '../../src/api/metrics.js'
import { showReads } from '../../src/api/reads-metrics.js'
import { Interruption } from '../../src/cli/interruption.js'
import { PLAIN } from '../../src/cli/style.js'
import { FAILURES } from '../../src/kernel/errors.js'
import { SETTINGS } from '../../src/kernel/settings.js'
import { Exposition } from '../../src/watch/exposition.js'
import { runDeed } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { REPOSITORY } from './cruise.js'
import {
  linkFaults,
  loadCommands,
  type Page,
  proofFaults,
  readPages,
  sectionOf,
  settingFaults,
  statusFaults,
  tableRows,
  unlistedPages,
} from './docs.js'
import { commandFaults } from './docs-commands.js'

const PAGES = readPages(REPOSITORY)
const README = pageAt('README.md')
let program: Program

beforeAll(async () => {
  program = await loadCommands()
})

describe('the documents say what is so', () => {
  test('the README shows every setting with its default and its line, and no other', () => {
    expect(settingFaults(README.text)).toEqual({ looked: Object.keys(SETTINGS).length, faults: [] })
  })

  test('the README shows every exit status, and no other', async () => {
    const { looked, faults } = statusFaults(README.text, await everyStatus())
    expect(faults).toEqual([])
    expect(looked).toBeGreaterThan(9)
  })

  test('every command and flag in the code of README, CHANGELOG and docs exists', () => {
    const found = PAGES.map(page => commandFaults(page, program))
    expect(found.flatMap(({ faults }) => faults)).toEqual([])
    expect(commandFaults(README, program).looked).toBeGreaterThan(40)
    expect(commandFaults(pageAt('CHANGELOG.md'), program).looked).toBeGreaterThan(5)
  })

  test('every link between them leads to a file', () => {
    const found = PAGES.map(page => linkFaults(REPOSITORY, page))
    expect(found.flatMap(({ faults }) => faults)).toEqual([])
    expect(found.reduce((sum, { looked }) => sum + looked, 0)).toBeGreaterThan(5)
  })

  test.each([
    ['docs/feeds.md', 60],
    ['docs/queues.md', 10],
    ['docs/api.md', 20],
    ['docs/analytics.md', 6],
  ])('every test that a table of %s names is there', (path, least) => {
    const { looked, faults } = proofFaults(REPOSITORY, pageAt(path))
    expect(faults).toEqual([])
    expect(looked).toBeGreaterThan(least)
  })

  test.each([
    ['docs/queues.md', () => new Exposition(0).page(null)],
    ['docs/api.md', apiMetrics],
  ] as const)('%s names every figure of its /metrics, and no other', async (path, page) => {
    const named = tableRows(sectionOf(pageAt(path).text, 'Metrics')).flatMap(([, names = '']) =>
      [...names.replace(/\(.*?\)/g, '').matchAll(/`([a-z_]+)`/g)].map(([, name]) => name),
    )
    const shown = (await page()).matchAll(/^# TYPE feedctl_(\w+)/gm)
    expect(named.sort()).toEqual([...shown].map(([, name]) => name).sort())
  })

  test('every decision is listed', () => {
    const { looked, faults } = unlistedPages(join(REPOSITORY, 'docs/decisions'))
    expect(faults).toEqual([])
    expect(looked).toBeGreaterThan(5)
  })

  test('the README has the sections that the demo names at its end', () => {
    const summary = { tenants: 0, feeds: 0, sources: 0, requestsSaved: 0, posts: 0, folder: '', envFile: '', folderBytes: 0 }
    const facts = { ...summary, checks: { total: 0, failed: 0 }, durationMs: 0 }
    const lastLine = closingText(facts, '', { commands: [], unsetFirst: [] }, PLAIN).trimEnd().split('\n').at(-1) ?? ''
    const titles = lastLine.replace(/^.*README\.md: /, '').split(/, (?:and )?/)
    expect(titles.length).toBeGreaterThan(1)
    expect(titles.filter(title => sectionOf(README.text, title) === '')).toEqual([])
  })
})

describe('the checks of the documents bite', () => {
  test.each([
    ['a wrong default', '`DB_PORT` | `3306`', '`DB_PORT` | `3307`', ['no setting: ', 'not shown: ']],
    ['other words', 'MySQL host', 'host of MySQL', ['no setting: ', 'not shown: ']],
    ['a setting that is none', '| `DB_HOST` |', '| `DB_HOSTS` |', ['no setting: ', 'not shown: ']],
    ['a row that is gone', /^\| `DB_PORT`.*\n/m, '', ['not shown: ']],
    ['a row that is there twice', /^(\| `DB_PORT`.*\n)/m, '$1$1', ['shown twice: ']],
  ])('on %s of a setting', (_what, from, to, expected) => {
    const { faults } = settingFaults(changed(from, to))
    expect(faults.map(fault => fault.slice(0, fault.indexOf(': ') + 2))).toEqual(expected)
  })

  test('on an exit status that nothing ends with, and one that is not shown', async () => {
    const { faults } = statusFaults(changed('\n| 7 |', '\n| 9 |'), await everyStatus())
    expect(faults).toEqual(['nothing ends with 9', 'not shown: 7'])
  })

  test.each([
    ['of another name', 'borders/docs.test.ts', 'that nobody wrote'.toUpperCase()],
    ['in a file that is not there', 'borders/dogs.test.ts', 'bite'],
  ])('on a test %s', (_what, path, name) => {
    const page = {
      path: 'x.md',
      text: `| a | Test | b |\n|---|---|---|\n| c | \`${path}\` | ${name} |\n| d | \`borders/docs.test.ts\` | bite |\n`,
    }
    expect(proofFaults(REPOSITORY, page)).toEqual({ looked: 2, faults: [`x.md: no test "${name}" in ${path}`] })
  })

  test.each([
    ['`feedctl tennant list`', 'no command tennant'],
    ['`feedctl tenant lists`', 'no command lists'],
    ['`feedctl tenant create|enlarge`', 'no command enlarge'],
    ['`feedctl sync --everything`', 'no flag --everything'],
    ['`feedctl config --all`', 'no flag --all'],
    ['`feedctl --env-file x tenant lists`', 'no command lists'],
    ['`feedctl tenant show acme globex`', 'too many words: globex'],
    ['`feedctl sync --ping-url`', '--ping-url needs a value'],
    ['```sh\ncd x && node bin/feedctl.js queue overlook\n```', 'no command overlook'],
    ['```ini\nExecStart=/usr/local/bin/feedctl queue wrk\n```', 'no command wrk'],
    ['```console\n$ feedctl nurse\nfine\n```', 'no command nurse'],
    ['```console\n$ true\n  try: feedctl repair\n```', 'no command repair'],
    ['```console\n$ true\nsaid; `feedctl fetch acme` helps\n```', 'no command fetch'],
    ['```sh\nfeedctl feed export acme | feedctl feed absorb globex -\n```', 'no command absorb'],
    ['say `--everything` too', 'no command has --everything'],
  ])('on %j', (text, fault) => {
    const { faults } = commandFaults({ path: 'x.md', text }, program)
    expect(faults).toEqual([expect.stringContaining(fault)])
  })

  test('but not on what is right, nor on what only looks like a command', () => {
    const text = [
      'feedctl walks; `feedctl tenant create|list|show`, `feedctl sync [tenant...] | --all`, `feedctl tenant create --count 3 --placement shared`',
      '```console\n$ feedctl sync acme --force --json | jq .   # asks\ncatalog feedctl on mysql: created\n```',
      '```sh\nDB_PORT=1 feedctl --env-file a.env tenant create acme --name "Acme & Co" --feed http://a.example http://b.example > log\n```',
    ].join('\n')
    expect(commandFaults({ path: 'x.md', text }, program)).toEqual({ looked: 5, faults: [] })
  })

  test('on a link that leads nowhere, to no heading, or out of the tree', () => {
    const right =
      '[1](1-runs-are-rows.md) [2](../../README.md#a-tour) [3](https://a.example/x) `[4](gone.md)`\n```\n[5](gone.md)\n```\n'
    const wrong = '[6](#c) [7](gone.md) [8](../../README.md#a-detour) [9](../../../README.md)'
    const { looked, faults } = linkFaults(REPOSITORY, { path: 'docs/decisions/README.md', text: right + wrong })
    expect(looked).toBe(6)
    expect(faults.map(fault => fault.split(' ')[1])).toEqual(['#c', 'gone.md', '../../README.md#a-detour', '../../../README.md'])
  })

  test('on a decision that is not listed', () => {
    const folder = join(temporaryFolder(), 'decisions')
    mkdirSync(folder)
    for (const name of ['1-a.md', '2-b.md']) writeFileSync(join(folder, name), '')
    writeFileSync(join(folder, 'README.md'), '1. [A](1-a.md)\n')
    expect(unlistedPages(folder)).toEqual({ looked: 2, faults: ['2-b.md is not listed'] })
  })
})

function pageAt(path: string): Page {
  const page = PAGES.find(one => one.path === path)
  if (page === undefined) throw new Error(`there is no ${path}`)
  return page
}

async function apiMetrics(): Promise<string> {
  const metrics = new ApiMetrics()
  showReads(metrics.registry, { counts: { primary: 0, replica: 0 } }, { behind: () => [] })
  showBacklog(metrics.registry, () => Promise.reject(new Error('nothing is opened')))
  const { text } = await metrics.page()
  metrics.close()
  return text
}

/** The README with a mistake in it. */
function changed(from: string | RegExp, to: string): string {
  const text = README.text.replace(from, to)
  expect(text).not.toBe(README.text)
  return text
}

/** Each status that feedctl can end with: done, a bug, the signals, the failures. */
async function everyStatus(): Promise<number[]> {
  const done = await runDeed(async () => {})
  const bug = await runDeed(() => Promise.reject(new Error('a bug')))
  const signals = (['SIGINT', 'SIGTERM'] as const).map(name => new Interruption(name).exit)
  return [...new Set([done.exit, bug.exit, ...signals, ...Object.values(FAILURES).map(({ exit }) => exit)])]
}
