#!/usr/bin/env node
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildWhenStale } from './prepare/build.js'
import { installWhenStale } from './prepare/dependencies.js'
import { installServersWhenAbsent } from './prepare/servers.js'
import { Refusal } from './prepare/steps.js'

const FLOOR = [20, 19]

/** Makes a clone ready to run: dependencies, the database servers of the tests (`--servers`), the build. Silent when nothing is to do. */
async function prepare(flags) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < FLOOR[0] || (major === FLOOR[0] && minor < FLOOR[1])) {
    throw new Refusal(`feedctl needs Node >= ${FLOOR.join('.')}, this is ${process.versions.node}`, 3)
  }
  const unknown = flags.find(flag => flag !== '--servers')
  if (unknown !== undefined) throw new Refusal(`unknown flag ${unknown}: node bin/prepare.js [--servers]`, 2)
  const root = join(fileURLToPath(import.meta.url), '../..')
  await installWhenStale(root)
  if (flags.includes('--servers')) await installServersWhenAbsent()
  await buildWhenStale(root)
}

try {
  await prepare(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  console.error(`error: ${error.message}`)
  process.exitCode = error.exit
}
