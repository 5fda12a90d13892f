import { ADVERSARIES, type Adversary } from './adversarial.js'
import { faultsOf } from './judge.js'
import { type Observed, type ParserInput, ParserProcess } from './parser-process.js'

const BYTES = 10_000_000
const NOW = Date.UTC(2026, 5, 15, 12)
/** Ends a parse whatever the machine is doing: far more than any of them may take. */
const KILL_MS = 40_000
const MEASUREMENTS = 3
/** Of the whole process: Node itself, a body of 10 MB as it came over and as it is parsed, and the heap of a parser thread. */
export const MAX_RSS_MB = 450

export interface AdversaryResult {
  readonly name: string
  readonly outcome: string
  readonly cpuMs: number
  readonly maxRssMb: number
  /** What is wrong; none for a document that was read or refused in time. */
  readonly faults: readonly string[]
}

/** Every document of 10 MB in its turn, two processes at a time. */
export async function runAdversaries(parser?: string, chosen: readonly Adversary[] = ADVERSARIES): Promise<AdversaryResult[]> {
  const results: AdversaryResult[] = []
  let next = 0
  const lane = async () => {
    await using shared = new ParserProcess(parser)
    for (let index = next++; index < chosen.length; index = next++) {
      const adversary = chosen[index]
      if (adversary !== undefined) results[index] = await measure(adversary, shared, parser)
    }
  }
  await Promise.all([lane(), lane()])
  return results
}

async function measure(adversary: Adversary, shared: ParserProcess, parser: string | undefined): Promise<AdversaryResult> {
  const input = {
    body: Buffer.from(adversary.make(BYTES)),
    contentType: adversary.contentType ?? null,
    url: 'https://feeds.example/dir/feed.xml',
    now: NOW,
  }
  let result = resultOf(adversary.name, input, await shared.parse({ input, deadlineMs: KILL_MS }))
  // What others do on the machine only ever adds to the time, and what earlier documents left only to the memory.
  for (let left = MEASUREMENTS - 1; left > 0 && /\b(?:slow|memory):/.test(result.faults.join()); left--) {
    await using fresh = new ParserProcess(parser)
    const again = resultOf(adversary.name, input, await fresh.parse({ input, deadlineMs: KILL_MS }))
    if (again.faults.length <= result.faults.length) result = again
  }
  return result
}

function resultOf(name: string, input: ParserInput, observed: Observed): AdversaryResult {
  const { seen, cpuMs, maxRssMb } = observed
  const faults = faultsOf(input, observed)
  if (maxRssMb > MAX_RSS_MB) faults.push(`memory: ${Math.round(maxRssMb)} MB`)
  return { name, outcome: seen.kind === 'failure' ? seen.code : seen.kind, cpuMs, maxRssMb, faults }
}
