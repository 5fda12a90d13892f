import { Failure, isFailure, wordsOf } from '../kernel/errors.js'
import { guessFlags } from './flags.js'
import { Interruption } from './interruption.js'
import { fromOutside } from './outside.js'
import type { Terminal } from './terminal.js'

/** The exit status of a bug in feedctl. */
const BUG_EXIT = 1

/** Runs a command line to its exit status, and says on stderr why it failed. Never throws. */
export async function run(
  argv: readonly string[],
  terminal: Terminal,
  execute: (argv: readonly string[], terminal: Terminal) => Promise<void>,
): Promise<number> {
  terminal.settle(guessFlags(argv))
  try {
    await execute(argv, terminal)
    await terminal.flush()
    terminal.close(false)
    return 0
  } catch (error) {
    terminal.close(true)
    const failure = failureIn(error, terminal.signal)
    if (failure === null) return sayBug(error, terminal)
    sayFailure(failure, terminal)
    const { reason } = terminal.signal
    return failure.code === 'INTERRUPTED' && reason instanceof Interruption ? reason.exit : failure.exit
  }
}

/** Null for a bug. */
function failureIn(error: unknown, signal: AbortSignal): Failure | null {
  if (error instanceof Failure) return error
  if (signal.aborted && isEndedBy(error, signal.reason)) {
    return isFailure(signal.reason) ? signal.reason : new Failure('INTERRUPTED', 'interrupted', { cause: error })
  }
  return fromOutside(error)
}

function isEndedBy(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && (error.name === 'AbortError' || error.cause === reason))
}

function sayFailure(failure: Failure, terminal: Terminal): void {
  if (terminal.flags.json) sayJson(failure.toJSON(), terminal)
  else sayWords('error: ', `${failure.message} (${failure.code})`, failure.hint, terminal)
}

function sayBug(error: unknown, terminal: Terminal): number {
  const stack = stackOf(error)
  const hint = 'reporting it with these lines and the command that was typed'
  if (terminal.flags.json) sayJson({ code: 'BUG', message: `bug in feedctl: ${wordsOf(error)}`, hint, stack }, terminal)
  else sayWords('bug in feedctl: ', stack, hint, terminal)
  return BUG_EXIT
}

function sayWords(lead: string, what: string, hint: string | null, terminal: Terminal): void {
  const style = terminal.errorStyle()
  terminal.complain(what, style.red(lead))
  if (hint !== null) terminal.complain(hint, style.dim('  try: '))
}

function sayJson(error: Record<string, string | null>, terminal: Terminal): void {
  const clean = Object.entries(error).map(([key, text]) => [key, text === null ? null : terminal.redact(text)])
  terminal.complain(JSON.stringify({ error: Object.fromEntries(clean) }))
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stack = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`
}
