import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { execute } from '../../commands/execute.js'
import { run } from '../../src/cli/run.js'
import { Terminal } from '../../src/cli/terminal.js'
import type { Environment } from '../../src/kernel/config.js'

export interface CliOptions {
  /** The whole environment; nothing of the test's own is passed on. */
  readonly env?: Environment
  /** Default: an empty folder that is removed afterwards. */
  readonly cwd?: string
  readonly stdin?: string | Buffer
  readonly signal?: AbortSignal
  /** Default: no terminals, as in a pipe. */
  readonly tty?: { readonly columns: number }
}

export interface CliResult {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** A stream that keeps what is written to it. */
export class KeptText extends Writable {
  text = ''

  constructor(
    readonly isTTY = false,
    readonly columns?: number,
  ) {
    super({ decodeStrings: false })
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

export function createTestTerminal(options: CliOptions & { readonly cwd: string }) {
  const { tty } = options
  const out = new KeptText(tty !== undefined, tty?.columns)
  const err = new KeptText(tty !== undefined, tty?.columns)
  const terminal = new Terminal({
    env: options.env ?? {},
    cwd: options.cwd,
    signal: options.signal ?? new AbortController().signal,
    onSignal: () => () => {},
    stdin: () => Readable.from([Buffer.from(options.stdin ?? '')]),
    stdout: out,
    stderr: err,
  })
  return { terminal, out, err }
}

/** Runs a command line in this process: `runCli(['tenant', 'list', '--json'], { env })`. */
export async function runCli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runDeed(terminal => execute(argv, terminal), options, argv)
}

/** Runs a deed as if it were the command that was typed, from its flags to its exit status. */
export async function runDeed(
  deed: (terminal: Terminal) => Promise<void>,
  options: CliOptions = {},
  argv: readonly string[] = [],
): Promise<CliResult> {
  const folder = options.cwd === undefined ? mkdtempSync(join(tmpdir(), 'feedctl-cli-')) : null
  try {
    const { terminal, out, err } = createTestTerminal({ ...options, cwd: options.cwd ?? folder ?? '' })
    const exit = await run(argv, terminal, (_argv, same) => deed(same))
    return { exit, out: out.text, err: err.text }
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}
