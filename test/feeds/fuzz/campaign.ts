import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { faultsOf, kindOf } from './judge.js'
import { type FuzzCase, fuzzCase } from './mutate.js'
import { type Observed, type ParserInput, ParserProcess } from './parser-process.js'
import { type Seed, seedDocuments } from './seeds.js'
import { shrink } from './shrink.js'

const NOW = Date.UTC(2026, 5, 15, 12)
const DEADLINE_MS = 10_000
/** One in so many is parsed twice. */
const TWICE = 4
const SHRINK_ATTEMPTS = 1_500
/** A document that hangs or kills the parser costs too much to try often. */
const COSTLY_ATTEMPTS = 6

export interface CampaignOptions {
  readonly seed: number
  /** The campaign ends with whichever comes first; at least one of the two is given. */
  readonly maxCases?: number
  readonly maxMs?: number
  readonly maxFindings?: number
  readonly parser?: string | undefined
  readonly onFinding?: (finding: Finding) => void
}

/** One kind of fault: the first document that showed it. */
export interface Finding {
  readonly fault: string
  readonly origin: string
  /** The shrunk document. */
  readonly file: string
  readonly bytes: number
}

export interface Figures {
  documents: number
  mutations: number
  bytes: number
  /** Posts read, over all documents. */
  posts: number
  /** Documents by what became of them: `document` or the code. */
  readonly outcomes: Record<string, number>
  slowestCpuMs: number
  slowest: string
  peakRssMb: number
  readonly findings: Finding[]
}

/** Parses mutated documents in two processes until the time or the number is up, and shrinks the first document of every kind of fault. */
export async function fuzz(options: CampaignOptions): Promise<Figures> {
  const campaign = new Campaign(options, seedDocuments())
  await Promise.all([campaign.run(), campaign.run()])
  return campaign.figures
}

class Campaign {
  readonly figures: Figures = {
    documents: 0,
    mutations: 0,
    bytes: 0,
    posts: 0,
    outcomes: {},
    slowestCpuMs: 0,
    slowest: '',
    peakRssMb: 0,
    findings: [],
  }
  private readonly known = new Set<string>()
  private readonly endsAt: number
  private next = 0

  constructor(
    private readonly options: CampaignOptions,
    private readonly seeds: readonly Seed[],
  ) {
    this.endsAt = performance.now() + (options.maxMs ?? Number.POSITIVE_INFINITY)
  }

  async run(): Promise<void> {
    await using parser = new ParserProcess(this.options.parser)
    while (!this.isOver()) {
      const fuzzed = fuzzCase(this.options.seed, this.next++, this.seeds)
      const input = inputOf(fuzzed, fuzzed.body)
      const observed = await parser.parse({ input, twice: fuzzed.number % TWICE === 0, deadlineMs: DEADLINE_MS })
      this.count(fuzzed, observed)
      for (const fault of faultsOf(input, observed)) {
        if (this.known.has(kindOf(fault))) continue
        this.known.add(kindOf(fault))
        await this.keep(parser, fuzzed, fault)
      }
    }
  }

  private isOver(): boolean {
    const { maxCases = Number.POSITIVE_INFINITY, maxFindings = Number.POSITIVE_INFINITY } = this.options
    return performance.now() >= this.endsAt || this.next >= maxCases || this.known.size >= maxFindings
  }

  private count(fuzzed: FuzzCase, { seen, posts, cpuMs, maxRssMb }: Observed): void {
    const { figures } = this
    const outcome = seen.kind === 'failure' ? seen.code : seen.kind
    figures.documents++
    figures.mutations += fuzzed.mutations.length
    figures.bytes += fuzzed.body.length
    figures.posts += posts
    figures.outcomes[outcome] = (figures.outcomes[outcome] ?? 0) + 1
    figures.peakRssMb = Math.max(figures.peakRssMb, maxRssMb)
    if (Number.isFinite(cpuMs) && cpuMs > figures.slowestCpuMs) {
      figures.slowestCpuMs = cpuMs
      figures.slowest = originOf(fuzzed)
    }
  }

  private async keep(parser: ParserProcess, fuzzed: FuzzCase, fault: string): Promise<void> {
    const kind = kindOf(fault)
    const smallest = await shrink(
      fuzzed.body,
      async candidate => {
        const input = inputOf(fuzzed, candidate)
        const observed = await parser.parse({ input, twice: kind.startsWith('differs'), deadlineMs: DEADLINE_MS })
        return faultsOf(input, observed).some(found => kindOf(found) === kind)
      },
      /^(?:hung|died|slow)/.test(kind) ? COSTLY_ATTEMPTS : SHRINK_ATTEMPTS,
    )
    const file = join(mkdtempSync(join(tmpdir(), 'feedctl-fuzz-')), `${fuzzed.seed}-${fuzzed.number}.bin`)
    writeFileSync(file, smallest)
    const finding = { fault: fault.slice(0, 600), origin: originOf(fuzzed), file, bytes: smallest.length }
    this.figures.findings.push(finding)
    this.options.onFinding?.(finding)
  }
}

function inputOf({ contentType, url }: FuzzCase, body: Buffer): ParserInput {
  return { body, contentType, url, now: NOW }
}

function originOf({ seed, number, name, mutations, contentType, url }: FuzzCase): string {
  return `seed ${seed} case ${number}: ${name} + ${mutations.join(', ')} (content type ${JSON.stringify(contentType)}, ${url})`
}
