#!/usr/bin/env node
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildWhenStale } from './prepare/build.js'
import { Refusal, run } from './prepare/steps.js'

const root = join(fileURLToPath(import.meta.url), '../..')

/** Fuzzes the built feed parser for a while: node bin/fuzz.js --minutes 10 [--seed N]. Exit status 1 when anything is found, 2 for options it does not know. */
async function fuzz(args) {
  process.chdir(root)
  await buildWhenStale(root)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run('the build of the fuzzer', process.execPath, [tsc, '-p', 'test/feeds/fuzz/tsconfig.json'], { cwd: root, exit: 1 })
  const { longRun } = await import(pathToFileURL(join(root, 'dist/fuzz/test/feeds/fuzz/main.js')).href)
  const { clean } = await longRun(args, line => console.log(line))
  if (!clean) process.exitCode = 1
}

try {
  await fuzz(process.argv.slice(2))
} catch (error) {
  const isMisused = error?.code === 'USAGE'
  if (!(error instanceof Refusal) && !isMisused) throw error
  console.error(`error: ${error.message}`)
  process.exitCode = isMisused ? 2 : error.exit
}
