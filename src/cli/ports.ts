import type { Readable } from 'node:stream'
import type { Environment, LoadedConfig } from '../kernel/config.js'
import type { Log } from '../kernel/log.js'
import type { GlobalFlags } from './flags.js'
import type { Progress } from './progress.js'
import type { Style } from './style.js'

/** The terminal as a command sees it. */
export interface Io {
  readonly env: Environment
  readonly cwd: string
  /** Aborted by the first SIGINT or SIGTERM; the reason is a Failure INTERRUPTED that names it. A second signal ends the process at once. */
  readonly signal: AbortSignal
  /** From now on SIGTERM never ends the process at once: for one whose parent has SIGKILL, and may not be alone in telling it to stop. */
  heedSigtermOnce(): void
  /** Calls the listener at every such signal until the command ends. SIGINT and SIGTERM are `signal`. */
  onSignal(name: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', listener: () => void): void
  /** The streams of a screen that redraws itself and reads keys; null where stdin or stdout is no terminal, and under `--json`. */
  screen(): Screen | null
  /** Lines on stderr, redacted; `--log-level` or FEEDCTL_LOG_LEVEL says from which severity on. */
  readonly log: Log
  readonly flags: GlobalFlags
  /**
   * The result of a command, on stdout: one JSON document under `--json`, else `asText(value)`, which `--quiet` holds back unless
   * the command fails afterwards. Called at most once per command; a second call is a bug.
   */
  print<T>(value: T, asText: (value: T, style: Style) => string): void
  /** A line on stderr; nothing under `--quiet`. */
  note(line: string): void
  /** The text without the secrets of the settings, as `note` writes it. */
  redact(text: string): string
  /** Stopped by itself when the command ends. */
  progress(name: string, unit?: string): Progress
  /** Reads on no more once it has more than `maxBytes`: the caller refuses that. */
  readStdin(maxBytes?: number): Promise<Buffer>
  /** One line that a person types without seeing it; null where nobody sits at a terminal. @throws {Failure} INTERRUPTED */
  askHidden(question: string): Promise<string | null>
  /** Stdin as it comes, for what is too long to hold; it ends with an error when the signal aborts. */
  stdin(): Readable
  /** The settings, read once. @throws {Failure} CONFIG_INVALID */
  config(): LoadedConfig
  /** Raw text on stdout, for exports, also under `--quiet`. @throws {Failure} USAGE under `--json` */
  write(text: string): void
  /**
   * Stdout for bytes, also under `--quiet`: a chunk is written when its promise resolves, which rejects with FILE_UNREADABLE when the reader has left, and
   * with the signal's reason. @throws {Failure} USAGE under `--json`, and where a person looks at it
   */
  bytesOut(): (chunk: Uint8Array) => Promise<void>
  /** Returns when the deed ("delete tenant acme") is agreed to, by `--yes` or by a person. @throws {Failure} CONFIRMATION_NEEDED */
  confirm(deed: string): Promise<void>
}

/** A stream text goes out by. */
export type Outlet = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number | undefined }

/** A terminal that a person looks at, keys included. */
export interface Screen {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Whether it may be painted. */
  readonly colors: boolean
  /** Whether it shows more than ASCII, as its locale says. */
  readonly unicode: boolean
  /** The text without secrets, as `note` and `log` write it. */
  redact(text: string): string
  /**
   * Takes the whole terminal, on its alternate screen, without a cursor; what is written to stderr meanwhile is kept for later. The end
   * of the command, a second signal and a bug leave it too. Calm when done twice, like `leave`.
   */
  enter(): void
  leave(): void
}

/** What a terminal is made of. */
export interface Ports {
  readonly env: Environment
  readonly cwd: string
  readonly signal: AbortSignal
  /** Adds a listener to a signal of the process, and answers how to remove it. */
  readonly onSignal: (name: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', listener: () => void) => () => void
  readonly stdin: () => Readable & { readonly isTTY?: boolean }
  readonly stdout: Outlet
  readonly stderr: Outlet
}
