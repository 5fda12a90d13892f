import type { FeedDocument } from '../../../src/feeds/document.js'
import { documentFaults } from './invariants.js'
import type { Observed, ParserInput, Seen } from './parser-process.js'

/** Of any document up to 10 MB. */
export const MAX_CPU_MS = 2_000

const MAX_MESSAGE_CHARS = 1_000

/** What is wrong with what the parser made of an input: `kind: where`; none when it kept every promise. */
export function faultsOf(input: ParserInput, { seen, cpuMs, stable }: Observed): string[] {
  const faults = faultsOfSeen(input, seen)
  if (!stable) faults.push('differs when parsed again: document')
  return [...faults, ...slowness(seen, cpuMs)]
}

export function slowness({ kind }: Seen, cpuMs: number): string[] {
  return cpuMs > MAX_CPU_MS && kind !== 'hung' && kind !== 'died' ? [`slow: ${Math.round(cpuMs)} ms of CPU`] : []
}

/** The kind of a fault, by which two findings are the same. */
export function kindOf(fault: string): string {
  return fault.replace(/: .*$/s, '')
}

function faultsOfSeen(input: ParserInput, seen: Seen): string[] {
  switch (seen.kind) {
    case 'document':
      return seen.document === null ? [] : shapeFaults(seen.document, input.now)
    case 'failure':
      return failureFaults(input, seen)
    case 'thrown':
      return [`thrown ${seen.words.split('\n')[0]?.slice(0, 80).replaceAll(': ', ' ')}: ${seen.words}`]
    case 'hung':
      return ['hung: no answer']
    case 'died':
      return [`died: ${seen.words}`]
  }
}

/** A document that lacks what the checks walk through has another shape than `FeedDocument`. */
function shapeFaults(document: FeedDocument, now: number): string[] {
  try {
    return documentFaults(document, now)
  } catch (error) {
    return [`shape: ${error}`]
  }
}

function failureFaults(input: ParserInput, { code, exit, message }: Extract<Seen, { kind: 'failure' }>): string[] {
  const faults: string[] = []
  if (!code.startsWith('FEED_') || exit !== 4) faults.push(`code ${code}: exit status ${exit}`)
  if (message === '' || message.length > MAX_MESSAGE_CHARS) faults.push(`length of a message: ${message.length}`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/\p{Surrogate}/u.test(message) || /[\0-\x1F]/.test(message))
    faults.push(`characters of a message: ${JSON.stringify(message)}`)
  if (code === 'FEED_UNREADABLE') faults.push(...positionFaults(input, message))
  return faults
}

function positionFaults({ body }: ParserInput, message: string): string[] {
  const { line, column, position } =
    /line (?<line>\d+), column (?<column>\d+)|position (?<position>\d+)/.exec(message)?.groups ?? {}
  if (line === undefined && position === undefined) return [`no position in "${message.slice(0, 20)}": ${message}`]
  const lines = body.reduce((count, byte) => count + (byte === 10 || byte === 13 ? 1 : 0), 1)
  const outside =
    line === undefined
      ? Number(position) > body.length
      : Number(line) > lines || Number(line) < 1 || Number(column) > body.length + 1
  return outside ? [`position outside the document: ${message}`] : []
}
