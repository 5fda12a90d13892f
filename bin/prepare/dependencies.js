import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { locked, Refusal, readWhenThere, run, say, sha256 } from './steps.js'

/** Installs what package-lock.json names, unless node_modules holds it already. */
export async function installWhenStale(root) {
  if (isInstalled(root)) return
  await locked(sha256(root).slice(0, 16), async () => {
    if (isInstalled(root)) return
    say('installing dependencies ...')
    const flags = ['--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    if (namesEveryPlatform(root)) await run('npm ci', 'npm', ['ci', ...flags], { cwd: root })
    else await installPartialLock(root, flags)
    writeFileSync(stampOf(root), lockDigest(root))
  })
}

function isInstalled(root) {
  if (!existsSync(join(root, 'node_modules'))) return false
  if (readWhenThere(stampOf(root)) === lockDigest(root)) return true
  if (!isInstalledByNpm(root)) return false
  writeFileSync(stampOf(root), lockDigest(root))
  return true
}

/** Whether npm's own record of node_modules agrees with the lockfile, as after a plain `npm ci`. */
function isInstalledByNpm(root) {
  const record = readWhenThere(join(root, 'node_modules/.package-lock.json'))
  if (record === null) return false
  const there = JSON.parse(record).packages
  const wanted = readJson(root, 'package-lock.json').packages
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = there[path]
    if (path === '' || (found === undefined && optional === true)) return true
    return found !== undefined && found.version === version && found.integrity === integrity
  })
}

/**
 * Whether the lockfile has an entry for each optional package that its packages name. One written behind a registry without some
 * platform's binaries has not, and `npm ci` refuses it on every platform.
 */
function namesEveryPlatform(root) {
  const { packages } = readJson(root, 'package-lock.json')
  const held = new Set(Object.keys(packages).map(path => path.split('node_modules/').at(-1)))
  return Object.values(packages).every(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies).every(name => held.has(name)),
  )
}

/** What `npm ci` does, its check of package.json included, for a lockfile without some platforms. The lockfile is not written. */
async function installPartialLock(root, flags) {
  const [wanted, held] = [readJson(root, 'package.json'), readJson(root, 'package-lock.json').packages['']]
  for (const kind of ['dependencies', 'devDependencies']) {
    if (isDeepStrictEqual(wanted[kind], held[kind])) continue
    throw new Refusal(`package.json and package-lock.json name different ${kind}: npm install`, 3)
  }
  rmSync(join(root, 'node_modules'), { recursive: true, force: true })
  await run('npm install', 'npm', ['install', '--no-save', ...flags], { cwd: root })
}

function readJson(root, name) {
  return JSON.parse(readFileSync(join(root, name), 'utf8'))
}

function stampOf(root) {
  return join(root, 'node_modules/.feedctl-lock')
}

function lockDigest(root) {
  return sha256(readWhenThere(join(root, 'package-lock.json')) ?? '')
}
