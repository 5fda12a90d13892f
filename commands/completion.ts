import { Argument } from '@commander-js/extra-typings'
import { bashCompletion, fishCompletion, type Offer, zshCompletion } from '../src/cli/completion.js'
import type { Io } from '../src/cli/io.js'
import { examples, type Program } from './program.js'

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

export function register(program: Program, io: Io, loadAll: () => Promise<Program>): void {
  const command = program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that completes').choices(['bash', 'zsh', 'fish'] as const))
    .action(async shell => {
      io.write(SCRIPTS[shell](offersOf(await loadAll())))
    })
  examples(command, [
    'source <(feedctl completion bash)',
    'feedctl completion zsh > ~/.zfunc/_feedctl    # a folder of $fpath',
    'feedctl completion fish > ~/.config/fish/completions/feedctl.fish',
  ])
}

/** Commander keeps its help option apart from the others. */
const HELP = { flag: '--help', doc: 'show this help', takesValue: false, choices: [] }

interface Described {
  name(): string
  description(): string
  readonly commands: readonly Described[]
  readonly options: Program['options']
  readonly registeredArguments: readonly { readonly argChoices?: string[] }[]
}

/** What can be typed after each command, the root first. */
function offersOf(program: Program): Offer[] {
  const shared = [...optionsOf(program as Described), HELP]
  const visit = (command: Described, path: readonly string[]): Offer[] => {
    const words = command.commands.map(child => ({ word: child.name(), doc: child.description() }))
    const choices = (command.registeredArguments[0]?.argChoices ?? []).map(word => ({ word, doc: '' }))
    const own = path.length === 0 ? [] : optionsOf(command)
    const offer: Offer = { path, words: [...words, ...choices], options: [...own, ...shared] }
    return [offer, ...command.commands.flatMap(child => visit(child, [...path, child.name()]))]
  }
  return visit(program as Described, [])
}

function optionsOf(command: Described): Offer['options'] {
  return command.options.map(option => ({
    flag: option.long ?? option.short ?? option.flags,
    doc: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  }))
}
