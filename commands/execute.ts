import { CommanderError } from '@commander-js/extra-typings'
import type { Terminal } from '../src/cli/terminal.js'
import { Failure } from '../src/kernel/errors.js'
import { nearest } from '../src/kernel/nearest.js'
import { createProgram, examples, type Program, readFlags } from './program.js'
import { WORDS, type Word } from './words.js'

/**
 * Runs the command that was typed, loading its file only; help and the version go to stdout.
 * @throws {Failure} the command's own, or USAGE
 */
export async function execute(argv: readonly string[], terminal: Terminal): Promise<void> {
  const program = connect(createProgram(), terminal)
  try {
    const operands = program.parseOptions([...argv]).operands
    const asksHelp = operands[0] === 'help'
    const [typed, ...rest] = asksHelp ? operands.slice(1) : operands
    if (typed !== undefined && !Object.hasOwn(WORDS, typed)) throw unknownWord(typed)
    for (const [name, word] of Object.entries(WORDS)) {
      if (name === typed) await addWord(program, terminal, name, word)
      else program.command(name).description(word.description)
    }
    const line = asksHelp ? [...(typed === undefined ? [] : [typed]), ...rest, '--help'] : argv
    await program.parseAsync(line, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw usageFailure(error, pathOf(program, argv))
  }
}

/** Every word's commands, loaded. */
async function loadAll(terminal: Terminal): Promise<Program> {
  const program = createProgram()
  for (const [name, word] of Object.entries(WORDS)) await addWord(program, terminal, name, word)
  return program
}

function connect(program: Program, terminal: Terminal): Program {
  program.configureOutput({
    writeOut: text => terminal.show(text),
    writeErr: text => {
      if (!terminal.flags.json) terminal.complain(text)
    },
    // What commander refuses is thrown as well, and said once, where every failure is.
    outputError: () => {},
    getOutHelpWidth: () => terminal.columns,
    getErrHelpWidth: () => terminal.columns,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  })
  program.hook('preAction', async () => {
    terminal.settle(readFlags(program))
    await terminal.prepare()
  })
  examples(program, ['feedctl demo', 'feedctl tenant create acme --feed https://example.com/feed.xml', 'feedctl sync --all'])
  return program
}

async function addWord(program: Program, terminal: Terminal, name: string, word: Word): Promise<void> {
  const file = await word.load()
  file.register(program, terminal, () => loadAll(terminal))
  program.commands.find(command => command.name() === name)?.description(word.description)
}

function unknownWord(word: string): Failure {
  const near = nearest(word, Object.keys(WORDS))
  return new Failure('USAGE', `unknown command '${word}'`, { hint: `feedctl ${near ?? '--help'}` })
}

/** Commander's refusal in feedctl's words: the suggestion becomes the hint. */
function usageFailure(error: CommanderError, path: string): Failure {
  if (error.code === 'commander.help') return new Failure('USAGE', `${path} needs a command`, { hint: `${path} --help` })
  const [what = '', ...more] = error.message.replace(/^error: /, '').split('\n')
  const near = more
    .join(' ')
    .match(/\(Did you mean (?:one of )?(.+)\?\)/)?.[1]
    ?.split(', ')[0]
  return new Failure('USAGE', what, { hint: `${path} ${near ?? '--help'}` })
}

/** The typed command as far as it exists: `feedctl tenant create`. */
function pathOf(program: Program, argv: readonly string[]): string {
  let names = [program.name()]
  let commands: readonly { name(): string; commands: readonly unknown[] }[] = program.commands
  for (const word of argv) {
    const found = commands.find(command => command.name() === word)
    if (found === undefined) continue
    names = [...names, word]
    commands = found.commands as typeof commands
  }
  return names.join(' ')
}
