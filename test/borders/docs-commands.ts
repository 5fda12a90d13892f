import type { Program } from '../../commands/program.js'
import type { Findings, Page } from './docs.js'

/** What this check needs to know of a command. */
interface Typed {
  name(): string
  readonly commands: readonly Typed[]
  readonly options: readonly Flag[]
  readonly registeredArguments: readonly { readonly variadic: boolean }[]
}

interface Flag {
  readonly long?: string | undefined
  readonly short?: string | undefined
  readonly required: boolean
  readonly variadic: boolean
}

const COMMAND = /(?:^|[\s/'"`(])feedctl(?:\.js)?(?=\s)/g
const WORD = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g
/** Words of a shell that end a command: a pipe, a redirection, a comment, the next command. */
const END = /^(?:[|&;#]|\d?[<>])/
const HELP = '--help'

/** Command lines that the page's code shows and feedctl refuses: words that do not exist, flags that are not the command's. */
export function commandFaults(page: Page, program: Program): Findings {
  const lines = codeOf(page.text).flatMap(code => commandLines(code))
  const flags = flagsShown(page.text)
  const known = new Set([HELP, ...everyCommand(program).flatMap(command => command.options.map(option => option.long))])
  return {
    looked: lines.length + flags.length,
    faults: [
      ...lines.flatMap(line => lineFaults(line, program).map(fault => `${page.path}: feedctl ${line.join(' ')}: ${fault}`)),
      ...flags.filter(flag => !known.has(flag)).map(flag => `${page.path}: no command has ${flag}`),
    ],
  }
}

/** Lines of code: those of fences, of consoles only what is typed or advised, and the spans within lines. */
function codeOf(text: string): string[] {
  const fences = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
  const inFences = fences.flatMap(([, kind, body = '']) => {
    const lines = body.split('\n')
    if (kind !== 'console') return lines
    const typed = lines.filter(line => line.startsWith('$ ')).map(line => line.slice(2))
    const advised = lines.filter(line => line.startsWith('  try: ')).map(line => line.slice('  try: '.length))
    return [...typed, ...advised, ...spansIn(lines.filter(line => !line.startsWith('$ ')).join('\n'))]
  })
  return [...inFences, ...spansIn(withoutFences(text))]
}

function withoutFences(text: string): string {
  return text.replace(/^```.*?^```$/gms, '')
}

function spansIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(match => match[1] ?? '')
}

/** Flags that are named alone: `--count`. */
function flagsShown(text: string): string[] {
  return spansIn(withoutFences(text)).flatMap(span => /^(--[a-z-]+)(?:[ =]\S+)?$/.exec(span)?.[1] ?? [])
}

/** The words that follow each `feedctl` in a line of code, up to the end of its command. */
function commandLines(code: string): string[][] {
  return [...code.matchAll(COMMAND)].map(({ index, 0: found }) => {
    const words = code.slice(index + found.length).match(WORD) ?? []
    const last = words.findIndex(word => END.test(word) || word.endsWith(';'))
    const kept = last === -1 ? words : words.slice(0, END.test(words[last] ?? '') ? last : last + 1)
    return kept.map(word => word.replace(/;$/, ''))
  })
}

function lineFaults(line: readonly string[], program: Program): string[] {
  const faults: string[] = []
  const free: string[] = []
  const words = [...line]
  let current: readonly Typed[] = [program]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const children = current.flatMap(command => command.commands)
    if (word.startsWith('-') && word !== '-') {
      faults.push(...flagFaults(word, words, [...current, program]))
    } else if (children.length > 0) {
      const names = word.split('|')
      const lost = names.filter(name => !children.some(child => child.name() === name))
      if (lost.length > 0) return [...faults, ...lost.map(name => `no command ${name}`)]
      current = children.filter(child => names.includes(child.name()))
    } else free.push(word)
  }
  const places = Math.max(...current.map(({ registeredArguments: each }) => (each.at(-1)?.variadic ? free.length : each.length)))
  return free.length > places ? [...faults, `too many words: ${free.slice(places).join(' ')}`] : faults
}

/** Takes the flag's values off the words that follow it. */
function flagFaults(word: string, words: string[], commands: readonly Typed[]): string[] {
  const [name, value] = word.split('=')
  if (name === HELP) return []
  const flag = commands.flatMap(command => command.options).find(({ long, short }) => name === long || name === short)
  if (flag === undefined) return [`no flag ${name}`]
  if (!flag.required || value !== undefined) return []
  if (words.length === 0 || words[0]?.startsWith('-')) return [`${name} needs a value`]
  do words.shift()
  while (flag.variadic && words.length > 0 && !words[0]?.startsWith('-'))
  return []
}

function everyCommand(command: Typed): Typed[] {
  return [command, ...command.commands.flatMap(child => everyCommand(child))]
}
