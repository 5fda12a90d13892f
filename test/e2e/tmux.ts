import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { BIN } from '../support/bin.js'
import type { TestEnv } from '../support/drivers.js'
import { findProgram } from '../support/server.js'

const run = promisify(execFile)
const PROMPT = 'prompt> '
const PATIENCE_MS = 20_000
const UTF8 = 'C.UTF-8'

/** A shell in a terminal of its own, of any size: what it shows can be read, and its keys pressed. */
export class TmuxShell implements AsyncDisposable {
  private constructor(
    private readonly program: string,
    /** Where its programs run. */
    readonly folder: string,
  ) {}

  /** A shell at its prompt. `env` is all its programs know, but for the path and the terminal. */
  static async open(columns: number, rows: number, env: TestEnv): Promise<TmuxShell> {
    const program = findProgram(['tmux'], 'tmux')
    const folder = mkdtempSync(join(tmpdir(), 'feedctl-tmux-'))
    const shell = new TmuxShell(program, folder)
    const whole = { PATH: process.env.PATH ?? '', LC_ALL: UTF8, SHELL: '/bin/sh', HOME: folder, ...env, PS1: PROMPT, ENV: '' }
    const size = ['-x', String(columns), '-y', String(rows)]
    await run(program, [...shell.place(), '-f', '/dev/null', 'new-session', '-d', ...size, 'exec /bin/sh -i'], {
      env: whole,
      cwd: folder,
    })
    await shell.shows(/^prompt>$/m)
    return shell
  }

  /** What is on the screen, without the blanks at the ends of lines. */
  async screen(): Promise<string> {
    return (await this.tmux('capture-pane', '-p')).trimEnd()
  }

  /** Resolves when the screen is so. */
  async shows(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.screen(), { timeout: PATIENCE_MS, interval: 100 }).toMatch(pattern)
  }

  /** Keys by the names of tmux: `Down`, `C-c`, `q`. */
  async press(...keys: string[]): Promise<void> {
    await this.tmux('send-keys', ...keys)
  }

  async type(line: string): Promise<void> {
    await this.tmux('send-keys', '-l', line)
    await this.press('Enter')
  }

  /** Begins `feedctl top` with a reading every 0.2 s; answers its pid. */
  async startTop(flags = '', assignments = ''): Promise<number> {
    const file = join(this.folder, 'pid')
    rmSync(file, { force: true })
    await this.type(
      `${assignments} sh -c 'echo $$ >pid; exec ${process.execPath} ${BIN} top --interval 0.2 ${flags}'; echo status $?`,
    )
    await this.shows(/feedctl top {2}\d.*(\n.*)+q quit/)
    return Number(readFileSync(file, 'utf8'))
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** Whether the terminal shows the alternate screen, and the cursor. */
  async modes(): Promise<{ alternate: boolean; cursor: boolean }> {
    const [alternate, cursor] = (await this.tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}')).trim().split(' ')
    return { alternate: alternate === '1', cursor: cursor === '1' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tmux('kill-server')
    rmSync(this.folder, { recursive: true, force: true })
  }

  private place(): string[] {
    return ['-u', '-S', join(this.folder, 'socket')]
  }

  private async tmux(...args: string[]): Promise<string> {
    const { stdout } = await run(this.program, [...this.place(), ...args])
    return stdout
  }
}
