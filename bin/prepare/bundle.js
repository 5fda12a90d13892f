import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'

/** What is started as a program or as a thread, and where its compiled module is. */
const STARTED = {
  feedctl: 'commands/index.js',
  'parse-thread': 'src/feeds/parse/thread.js',
  'media-thread': 'src/media/migration/thread.js',
}

/** Packages that look for files of their own, or that no command waits for at its start. */
const LEFT_ALONE = /^(@fastify|autocannon|cli-progress|fastify$|ink|ioredis|libsql|msgpackr|mysql2|piscina|prom-client|react)/

/** How long what a process of an earlier build may still have to load is kept. */
const KEPT_MS = 7 * 24 * 3_600_000
/** The files of one build are written within this time. */
const BUILD_MS = 5 * 60_000

/**
 * Joins the compiled modules and the packages they use into few files in dist/bin: reading eight hundred files takes half of the time that
 * a worker needs to start. Each file is put in place whole, those that begin last, so that what runs, or starts meanwhile, finds its parts.
 */
export async function bundle(root) {
  const { rolldown } = await import('rolldown')
  const built = join(root, 'dist')
  const [made, place] = [join(built, 'bin.new'), join(built, 'bin')]
  const joined = await rolldown({
    cwd: root,
    input: Object.fromEntries(Object.entries(STARTED).map(([name, path]) => [name, join(built, path)])),
    platform: 'node',
    external: LEFT_ALONE,
  })
  try {
    rmSync(made, { recursive: true, force: true })
    await joined.write({ dir: made, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'parts/[name]-[hash].js' })
  } finally {
    await joined.close()
  }
  mkdirSync(join(place, 'parts'), { recursive: true })
  keepNewestParts(place)
  for (const folder of ['parts', '.']) {
    for (const entry of readdirSync(join(made, folder), { withFileTypes: true })) {
      if (entry.isFile()) renameSync(join(made, folder, entry.name), join(place, folder, entry.name))
    }
  }
  rmSync(made, { recursive: true })
  dropOldParts(join(place, 'parts'))
}

/** Those of the build that is replaced now count from now: what runs has them still to load. */
function keepNewestParts(place) {
  const entrance = join(place, 'feedctl.js')
  if (!existsSync(entrance)) return
  const builtAt = statSync(entrance).mtimeMs
  const now = new Date()
  for (const name of readdirSync(join(place, 'parts'))) {
    const path = join(place, 'parts', name)
    if (statSync(path).mtimeMs > builtAt - BUILD_MS) utimesSync(path, now, now)
  }
}

function dropOldParts(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path)
  }
}
