import { spawnSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BIN, runNode } from '../support/bin.js'

const BUILT_CLI = new URL('../../dist/src/cli/', import.meta.url).href

describe('the built feedctl', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'feedctl-bin-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  /** The packages, and modules of feedctl, that ran during a command: V8 names every script it ran, a bundled one the modules it is made of. */
  async function loadedBy(argv: readonly string[]): Promise<{ packages: string[]; own: string[] }> {
    const { exit } = await runNode([BIN, ...argv], { cwd: folder, env: { NODE_V8_COVERAGE: join(folder, 'scripts') } })
    expect(exit).toBe(0)
    const urls = readdirSync(join(folder, 'scripts')).flatMap(name => {
      const { result } = JSON.parse(readFileSync(join(folder, 'scripts', name), 'utf8')) as { result: { url: string }[] }
      return result.map(script => script.url)
    })
    const bundled = urls.filter(url => url.includes('/dist/bin/')).flatMap(url => readFileSync(new URL(url), 'utf8').split('\n'))
    const paths = [...urls, ...bundled.flatMap(line => /^\/\/ (\S+\.[cm]?js)$/.exec(line)?.[1] ?? [])]
    const packages = paths.flatMap(path => path.match(/(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? [])
    const own = paths.flatMap(path => path.match(/(?:^|\/)dist\/(.*)\.js$/)?.[1] ?? [])
    return { packages: [...new Set(packages)].sort(), own }
  }

  it.each([[['--help']], [['--version']], [['help']]])('loads commander and nothing else for %j', async argv => {
    const { packages, own } = await loadedBy(argv)
    expect(packages).toEqual(['commander'])
    expect(own).toContain('commands/program')
    expect(own).not.toContain('src/kernel/config')
    expect(own.filter(name => name.startsWith('commands/')).sort()).toEqual([
      'commands/execute',
      'commands/index',
      'commands/program',
      'commands/words',
    ])
  })

  it('loads only the file of the word that was typed', async () => {
    const { packages, own } = await loadedBy(['config'])
    expect(own).toContain('commands/config')
    expect(own).not.toContain('commands/completion')
    expect(packages).toEqual(['commander', 'zod'])
  })

  it('says how to build it when it is not built', async () => {
    mkdirSync(join(folder, 'bin'))
    copyFileSync(BIN, join(folder, 'bin', 'feedctl.mjs'))
    const result = await runNode([join(folder, 'bin', 'feedctl.mjs'), '--version'])
    expect(result).toEqual({ exit: 3, out: '', err: 'feedctl is not built yet: npm run build\n' })
  })

  it.runIf(existsSync('/dev/full'))('is unavailable when stdout cannot be written', async () => {
    const full = openSync('/dev/full', 'w')
    const { status, stderr } = spawnSync(process.execPath, [BIN, 'config'], {
      cwd: folder,
      env: {},
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    expect(stderr.toString()).toContain('no space left on device')
    expect(status).toBe(5)
  })

  it('ends quietly when the reader of its output has gone', () => {
    const script = join(folder, 'long.mjs')
    writeFileSync(
      script,
      deedScript(`terminal.write('x'.repeat(1 << 20)); await terminal.flush(); terminal.write('y'.repeat(1 << 20))`),
    )
    const pipe = `"$0" "$1" | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', pipe, process.execPath, script], { encoding: 'utf8' })
    expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: 'ready\n' })
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops by %s with exit %i once the command has let go', async (name, status) => {
    const script = join(folder, 'stoppable.mjs')
    writeFileSync(
      script,
      deedScript(
        `await new Promise(go => terminal.signal.addEventListener('abort', go)); terminal.print({ done: 3 }, String); terminal.signal.throwIfAborted()`,
      ),
    )
    const { exit, out, err } = await runNode([script, '--json'], { onError: killOnce('ready', name) })
    expect({ exit, out }).toEqual({ exit: status, out: '{"done":3}\n' })
    expect(err).toContain(`${name}: stopping after what is in flight; once more to stop at once\n`)
    expect(JSON.parse(err.trimEnd().split('\n').at(-1) ?? '')).toEqual({
      error: { code: 'INTERRUPTED', message: `interrupted by ${name}`, hint: null },
    })
  })

  it('ends at once by a second signal', async () => {
    const script = join(folder, 'deaf.mjs')
    writeFileSync(script, deedScript('await new Promise(() => setInterval(() => {}, 1000))'))
    const first = killOnce('ready', 'SIGINT')
    const second = killOnce('once more', 'SIGTERM')
    const { exit } = await runNode([script], {
      onError: (err, kill) => {
        first(err, kill)
        second(err, kill)
      },
    })
    expect(exit).toBe(143)
  })
})

/** A process with feedctl's own terminal that runs the deed as its command. */
function deedScript(deed: string): string {
  return `import { createProcessIo } from '${BUILT_CLI}io.js'
import { run } from '${BUILT_CLI}run.js'
process.exitCode = await run(process.argv.slice(2), createProcessIo(), async (argv, terminal) => {
  const alive = setInterval(() => {}, 1000)
  try {
    terminal.note('ready')
    ${deed}
  } finally {
    clearInterval(alive)
  }
})
`
}

function killOnce(words: string, signal: NodeJS.Signals) {
  let sent = false
  return (err: string, kill: (signal: NodeJS.Signals) => void) => {
    if (sent || !err.includes(words)) return
    sent = true
    kill(signal)
  }
}
