import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { locked, readWhenThere, run, say, sha256 } from './steps.js'

const FOLDERS = ['src', 'commands']
/** The compiler's memory of what it has written. */
const BUILD_INFO = '.tsbuildinfo'
const SETTINGS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'bin/prepare/bundle.js']

/** Compiles to dist/ unless it was compiled from exactly these sources. */
export async function buildWhenStale(root) {
  if (builtFrom(root)?.content === sourcesOf(root).content) return
  await locked(sha256(root).slice(0, 16), async () => {
    const built = builtFrom(root)
    // Taken before the compiler reads the files: an edit during the build makes the next run build again.
    const sources = sourcesOf(root)
    if (built?.content === sources.content) return
    say('building ...')
    // A source that was moved or removed would leave its old .js behind.
    if (built?.names !== sources.names) {
      for (const name of [...FOLDERS, BUILD_INFO]) rmSync(join(root, 'dist', name), { recursive: true, force: true })
    }
    rmSync(stampOf(root), { force: true })
    await run('the build', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
      cwd: root,
      exit: 1,
    })
    await run('the bundle', process.execPath, [join(root, 'bin/bundle.js')], { cwd: root, exit: 1 })
    mkdirSync(join(root, 'dist'), { recursive: true })
    writeFileSync(stampOf(root), JSON.stringify(sources))
  })
}

function stampOf(root) {
  return join(root, 'dist/.feedctl-build')
}

function builtFrom(root) {
  const stamp = readWhenThere(stampOf(root))
  return stamp === null ? null : JSON.parse(stamp)
}

/** Digests of the names of the sources, and of their names and bytes: mtimes lie after a checkout or a copy. */
function sourcesOf(root) {
  const files = FOLDERS.flatMap(folder => readdirSync(join(root, folder), { withFileTypes: true, recursive: true }))
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .sort()
  const parts = [...files, ...SETTINGS].flatMap(file => [file, readFileSync(join(root, file))])
  return { names: sha256(...files), content: sha256(...parts) }
}
