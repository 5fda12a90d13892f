import { resolve } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Environment, LoadedConfig, SettingKey } from '../kernel/config.js'
import { Failure } from '../kernel/errors.js'
import { Log } from '../kernel/log.js'
import { DEFAULT_FLAGS, type GlobalFlags } from './flags.js'
import { toJson } from './json.js'
import type { Io, Outlet, Ports, Screen } from './ports.js'
import { Meter, type Progress, type ProgressFace } from './progress.js'
import { Redactor } from './redact.js'
import { createStyle, PLAIN, type Style } from './style.js'
import { WholeScreen } from './whole-screen.js'
import { showControls, UNKNOWN_COLUMNS } from './width.js'

/** An Io over streams. Who runs a command calls `settle`, `prepare` and, when it ended, `close`. */
export class Terminal implements Io {
  readonly log: Log
  private settled: GlobalFlags = DEFAULT_FLAGS
  private readonly redactor = new Redactor()
  private readonly meter: Meter
  private secretKeys: readonly SettingKey[] = []
  private configReader: typeof import('../kernel/config.js') | null = null
  private loaded: LoadedConfig | null = null
  private printed = false
  private held = ''
  private outputError: Error | null = null
  private readonly listening: (() => void)[] = []
  private whole: WholeScreen | null = null
  /** Whether a SIGTERM after the first signal ends the process. */
  sigtermEnds = true

  constructor(private readonly ports: Ports) {
    this.log = new Log(line => this.complain(line))
    this.meter = new Meter(ports.stderr)
    ports.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') this.outputError ??= error
    })
    // With stderr gone there is nobody left to tell.
    ports.stderr.on('error', () => {})
  }

  get env(): Environment {
    return this.ports.env
  }

  get cwd(): string {
    return this.ports.cwd
  }

  get signal(): AbortSignal {
    return this.ports.signal
  }

  get flags(): GlobalFlags {
    return this.settled
  }

  heedSigtermOnce(): void {
    this.sigtermEnds = false
  }

  onSignal(name: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', listener: () => void): void {
    this.listening.push(this.ports.onSignal(name, listener))
  }

  screen(): Screen | null {
    const [stdin, { stdout, stderr }] = [this.ports.stdin(), this.ports]
    if (stdin.isTTY !== true || stdout.isTTY !== true || this.flags.json || this.env.TERM === 'dumb') return null
    this.whole ??= new WholeScreen(stdout, stderr)
    const whole = this.whole
    return {
      stdin: stdin as NodeJS.ReadStream,
      stdout: stdout as NodeJS.WriteStream,
      stderr: stderr as NodeJS.WriteStream,
      colors: this.flags.color && (this.env.NO_COLOR ?? '') === '',
      unicode: this.isUnicode(),
      redact: text => this.redact(text),
      enter: () => whole.enter(),
      leave: () => whole.leave(),
    }
  }

  settle(flags: GlobalFlags): void {
    this.settled = flags
    if (flags.logLevel !== null) this.log.setLevel(flags.logLevel)
  }

  /** Loads what reads the settings; apart, so that help and version do not. */
  async prepare(): Promise<void> {
    const [reader, { SETTINGS }] = await Promise.all([import('../kernel/config.js'), import('../kernel/settings.js')])
    this.configReader = reader
    this.secretKeys = (Object.keys(SETTINGS) as SettingKey[]).filter(key => 'secret' in SETTINGS[key])
    for (const key of this.secretKeys) this.redactor.learn(this.env[SETTINGS[key].env])
    await this.meter.prepare(this.meterFace())
  }

  config(): LoadedConfig {
    if (this.loaded !== null) return this.loaded
    if (this.configReader === null) throw new Error('config() before prepare()')
    this.loaded = this.configReader.loadConfig({
      env: this.env,
      envFile: resolve(this.cwd, this.flags.envFile ?? '.env'),
      envFileNamed: this.flags.envFile !== null,
      flags: this.flags.logLevel === null ? {} : { FEEDCTL_LOG_LEVEL: this.flags.logLevel },
    })
    for (const key of this.secretKeys) this.redactor.learn(String(this.loaded.config[key] ?? ''))
    this.log.setLevel(this.loaded.config.logLevel)
    return this.loaded
  }

  print<T>(value: T, asText: (value: T, style: Style) => string): void {
    if (this.printed) throw new Error('a command prints one result')
    this.printed = true
    const text = this.flags.json ? toJson(value) : asText(value, this.styleOf(this.ports.stdout))
    if (this.flags.quiet && !this.flags.json) this.held = endLine(text)
    else this.show(endLine(text))
  }

  write(text: string): void {
    this.refuseJson()
    this.show(text)
  }

  bytesOut(): (chunk: Uint8Array) => Promise<void> {
    this.refuseJson()
    const { stdout } = this.ports
    if (stdout.isTTY === true) throw new Failure('USAGE', 'bytes are nothing for a terminal', { hint: 'name a file, or a pipe' })
    return chunk =>
      new Promise((resolve, reject) => {
        const stop = () => reject(this.signal.reason)
        if (this.signal.aborted) return stop()
        this.signal.addEventListener('abort', stop, { once: true })
        stdout.write(chunk, error => {
          this.signal.removeEventListener('abort', stop)
          if (error) reject(new Failure('FILE_UNREADABLE', 'stdout was closed before all was written', { cause: error }))
          else resolve()
        })
      })
  }

  /** Text on stdout whatever the flags: help, the version. */
  show(text: string): void {
    if (text !== '') this.meter.aside(() => this.ports.stdout.write(text))
  }

  note(line: string): void {
    if (!this.flags.quiet) this.complain(line)
  }

  /**
   * Lines on stderr, `--quiet` or not; secrets are hidden and control characters shown, line ends excepted.
   * The lead is written before them as it is, for paint.
   */
  complain(lines: string, lead = ''): void {
    const shown = this.redactor.redact(lines).split('\n').map(showControls).join('\n')
    this.meter.aside(() => this.ports.stderr.write(endLine(lead + shown)))
  }

  progress(name: string, unit = ''): Progress {
    return this.meter.open(name, unit, this.meterFace())
  }

  async readStdin(maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of this.stdin()) {
      const buffer = Buffer.from(chunk)
      chunks.push(buffer)
      bytes += buffer.byteLength
      if (bytes > maxBytes) break
    }
    return Buffer.concat(chunks)
  }

  async askHidden(question: string): Promise<string | null> {
    const stdin = this.ports.stdin()
    if (stdin.isTTY !== true || this.ports.stderr.isTTY !== true) return null
    const { readHiddenLine } = await import('./hidden-line.js')
    return readHiddenLine(stdin, this.ports.stderr, question, this.signal)
  }

  stdin(): Readable {
    return addAbortSignal(this.signal, this.ports.stdin())
  }

  async confirm(deed: string): Promise<void> {
    if (this.flags.yes) return
    const refusal = new Failure('CONFIRMATION_NEEDED', `to ${deed} needs a yes`, { hint: 'the same command with --yes' })
    if (this.ports.stdin().isTTY !== true || this.ports.stderr.isTTY !== true) throw refusal
    const { createInterface } = await import('node:readline/promises')
    const reader = createInterface({ input: this.ports.stdin(), output: this.ports.stderr })
    try {
      const answer = await reader.question(`${showControls(deed)}? [y/N] `, { signal: this.signal })
      if (!/^y(es)?$/i.test(answer.trim())) throw refusal
    } catch (error) {
      // The prompt takes Ctrl-C and Ctrl-D for itself: whoever leaves it so has not agreed.
      if (this.signal.aborted || (error as Error).name !== 'AbortError') throw error
      throw refusal
    } finally {
      reader.close()
    }
  }

  /** Ends what moves on the screen; the result that `--quiet` held back is written when the command failed. */
  close(failed: boolean): void {
    this.whole?.leave()
    this.meter.close()
    for (const stop of this.listening.splice(0)) stop()
    if (failed) this.show(this.held)
    this.held = ''
  }

  /**
   * Returns when stdout has taken everything. That its reader left (`feedctl tenant list | head`) is no error.
   * @throws what stopped stdout otherwise, a full disk say
   */
  async flush(): Promise<void> {
    await new Promise<void>(resolve => this.ports.stdout.write('', () => resolve()))
    if (this.outputError !== null) throw this.outputError
  }

  /** How stderr may be painted. */
  errorStyle(): Style {
    return this.styleOf(this.ports.stderr)
  }

  /** Cells of stdout, for help; 80 when unknown. */
  get columns(): number {
    return this.ports.stdout.columns || UNKNOWN_COLUMNS
  }

  redact(text: string): string {
    return this.redactor.redact(text)
  }

  private refuseJson(): void {
    if (!this.flags.json) return
    throw new Failure('USAGE', 'this command has a format of its own on stdout', { hint: 'the same command without --json' })
  }

  private styleOf(outlet: Outlet): Style {
    if (outlet.isTTY !== true) return PLAIN
    const colors = this.flags.color && (this.env.NO_COLOR ?? '') === '' && this.env.TERM !== 'dumb'
    return createStyle({ colors, columns: outlet.columns || UNKNOWN_COLUMNS })
  }

  /** The first of the three that is set decides, as POSIX has it. */
  private isUnicode(): boolean {
    const { LC_ALL, LC_CTYPE, LANG } = this.env
    return /utf-?8/i.test([LC_ALL, LC_CTYPE, LANG].find(name => (name ?? '') !== '') ?? '')
  }

  private meterFace(): ProgressFace {
    if (this.flags.quiet) return 'none'
    const animates = this.ports.stderr.isTTY === true && this.env.TERM !== 'dumb' && (this.env.CI ?? '') === ''
    const mode = this.flags.progress === 'auto' ? 'bar' : this.flags.progress
    return mode === 'bar' && !animates ? 'plain' : mode
  }
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
