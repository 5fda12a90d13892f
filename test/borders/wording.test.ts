import { describe, expect, test } from 'vitest'
import { REPOSITORY } from './cruise.js'
import { sourceFiles } from './tree.js'
import { faultsOf } from './wording.js'

test('no file of the house is too long, badly named, unfinished, or reaches past its terminal', () => {
  const files = sourceFiles(REPOSITORY, ['bin', 'src', 'commands', 'test'])
  expect(files.length).toBeGreaterThan(40)
  const faults = files.flatMap(file => faultsOf(file).map(fault => `${file.path}: ${fault}`))
  expect(faults).toEqual([])
})

describe('the rules of wording bite', () => {
  const breaches: readonly [path: string, fault: string, text: string][] = [
    ['src/feeds/long.ts', '301 lines', 'a()\n'.repeat(301)],
    ['test/support/helpers.ts', 'a name that says nothing', ''],
    ['src/tenants/tenant-manager.ts', 'a name that says nothing', ''],
    ['src/feeds/store.ts', `${'TO'}${'DO'} in line 1`, `// ${'TO'}${'DO'}: later`],
    ['test/feeds/store.test.ts', 'a focused test in line 2', `a()\ntest.${'only'}('x', () => {})`],
    ['test/feeds/store.test.ts', 'a focused test in line 1', `describe.concurrent.${'only'}('x', () => {})`],
    ['src/feeds/a.ts', 'process.env in line 1', 'const home = process.env.HOME'],
    ['src/feeds/a.ts', 'process.env in line 1', "const all = process['env']"],
    ['src/feeds/a.ts', 'process.env in line 1', 'const all = globalThis.process.env'],
    ['src/feeds/a.ts', 'process.env in line 1', 'const { env: all } = process'],
    ['commands/a.ts', 'process.env in line 1', "import { env } from 'node:process'"],
    ['src/bench/feed-server/process.ts', 'console in line 2', "/* a\n b */ console.error('x')"],
    ['src/cli/a.ts', 'console in line 1', 'globalThis.console.log(1)'],
    ['src/cli/a.ts', 'console in line 1', "import { log } from 'node:console'"],
  ]
  test.each(breaches)('%s is refused for %s', (path, fault, text) => {
    expect(faultsOf({ path, text })).toEqual([fault])
  })

  test('what only looks like a breach passes', () => {
    const text = [
      '// process.env and console.log are for src/cli/io.ts',
      "const words = 'process.env, console.log'",
      'const { argv, stdout } = process',
      'io.console(io.env.HOME)',
      'const settings = { console: 1 }',
    ]
    expect(faultsOf({ path: 'src/feeds/a.ts', text: text.join('\n') })).toEqual([])
    expect(faultsOf({ path: 'src/cli/io.ts', text: 'export const { env } = process' })).toEqual([])
    expect(faultsOf({ path: 'src/feeds/a.ts', text: 'a()\n'.repeat(300) })).toEqual([])
  })
})
