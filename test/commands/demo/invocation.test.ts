import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { invocation, shellPath } from '../../../commands/demo/invocation.js'
import { BIN } from '../../support/bin.js'
import { temporaryFolder } from '../../support/folders.js'

const ROOT = join(dirname(BIN), '..')
const NODE = dirname(process.execPath)

test('is node and the path of the program in a clone', () => {
  expect(invocation({ PATH: NODE }, ROOT)).toBe('node bin/feedctl.js')
  expect(invocation({ PATH: NODE }, join(ROOT, 'docs'))).toBe(`node ${BIN}`)
})

test('names node in full where it is not on the path', () => {
  expect(invocation({ PATH: '' }, ROOT)).toBe(`${process.execPath} bin/feedctl.js`)
})

test('is feedctl where that is this program, and not what npm puts on the path of its scripts', () => {
  const folder = temporaryFolder()
  const own = join(folder, 'node_modules', '.bin')
  mkdirSync(own, { recursive: true })
  for (const place of [folder, own]) symlinkSync(BIN, join(place, 'feedctl'))
  expect(invocation({ PATH: `${folder}:${NODE}` }, ROOT)).toBe('feedctl')
  expect(invocation({ PATH: `${own}:${NODE}` }, ROOT)).toBe('node bin/feedctl.js')
})

test('is not another program of that name', () => {
  const folder = temporaryFolder()
  symlinkSync(process.execPath, join(folder, 'feedctl'))
  expect(invocation({ PATH: `${folder}:${NODE}` }, ROOT)).toBe('node bin/feedctl.js')
})

test('is npx where npx started it', () => {
  expect(invocation({ PATH: NODE, npm_command: 'exec' }, ROOT)).toBe('npx feedctl')
})

test('counts paths from where the npm script was typed', () => {
  const env = { PATH: NODE, npm_command: 'run', npm_lifecycle_event: 'demo', INIT_CWD: join(ROOT, 'docs') }
  expect(shellPath(join(ROOT, 'docs', 'a'), env, ROOT)).toBe('a')
  expect(shellPath(join(ROOT, 'a b'), env, ROOT)).toBe(`'${join(ROOT, 'a b')}'`)
  expect(shellPath(join(ROOT, "it's"), {}, ROOT)).toBe(`'it'\\''s'`)
})
