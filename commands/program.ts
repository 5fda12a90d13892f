import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { type GlobalFlags, PROGRESS_MODES } from '../src/cli/flags.js'
import { readVersion } from '../src/cli/version.js'

/** The root of the command line. A command's file adds its first word: `program.command('tenant')...`; the description is WORDS'. */
export type Program = ReturnType<typeof createProgram>

/** The root with what every command understands, and no word yet. */
export function createProgram() {
  return new Command('feedctl')
    .description('Operate a multi-tenant feed service.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .option('--json', 'print one JSON document on stdout')
    .option('--quiet', 'print nothing on success')
    .addOption(new Option('--progress <how>', 'how progress is shown on stderr').choices(PROGRESS_MODES).default('auto' as const))
    .option('--env-file <path>', 'read settings from this file (default: .env, if it is there)')
    .addOption(
      new Option('--log-level <level>', 'least severe log line on stderr').choices(['debug', 'info', 'warn', 'error'] as const),
    )
    .option('--no-color', 'no colours, as NO_COLOR does')
    .option('--yes', 'agree to what destroys')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .exitOverride()
}

/** Shows lines under "Examples:" at the end of a command's help. */
export function examples(command: { addHelpText(position: 'after', text: string): unknown }, lines: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${lines.map(line => `  ${line}`).join('\n')}`)
}

/** Reads an option's value: `.option('--concurrency <n>', 'feeds at once', wholeNumber(1, 1000))`; anything else is USAGE. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`It is not a whole number from ${min} to ${max}.`)
    return value
  }
}

export function readFlags(program: Program): GlobalFlags {
  const options = program.opts()
  return {
    json: options.json === true,
    quiet: options.quiet === true,
    progress: options.progress,
    envFile: options.envFile ?? null,
    logLevel: options.logLevel ?? null,
    color: options.color,
    yes: options.yes === true,
  }
}
