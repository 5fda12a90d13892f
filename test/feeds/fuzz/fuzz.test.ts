import { describe, expect, it } from 'vitest'
import { type Figures, fuzz } from './campaign.js'
import { fuzzCase, MUTATION_COUNT } from './mutate.js'
import { seedDocuments } from './seeds.js'

/** Documents of each campaign, however long the machine takes. */
const CASES = 1_000
/** Posts that are read of them: a parser that refuses everything would find no fault either. */
const MIN_POSTS = 1_000
const MAX_FINDINGS = 6
/** Fixed: a run that fails is a defect that this change made. `npm run fuzz` takes a new seed every day. */
const SEEDS = [20_260_615, 7]

/** What a failing run says: what went wrong, how to make the document again, where its shrunk bytes are. */
function told({ findings }: Figures): string[] {
  return findings.map(({ fault, origin, file, bytes }) => `${fault}\n  ${origin}\n  ${bytes} bytes in ${file}`)
}

describe('any bytes give a document or a failure with its place', () => {
  it.each(SEEDS)('from mutations of real documents, by the seed %i', { timeout: 300_000 }, async seed => {
    const figures = await fuzz({ seed, maxCases: CASES, maxFindings: MAX_FINDINGS })
    expect(told(figures)).toEqual([])
    expect(figures.documents).toBe(CASES)
    expect(figures.outcomes.document).toBeGreaterThan(CASES / 2)
    expect(figures.posts).toBeGreaterThan(MIN_POSTS)
  })
})

describe('the fuzzer', () => {
  it('makes the same document of the same seed and number', () => {
    const seeds = seedDocuments()
    const [first, again, other] = [fuzzCase(1, 5, seeds), fuzzCase(1, 5, seeds), fuzzCase(2, 5, seeds)]
    expect(first).toEqual(again)
    expect(first.body.equals(other.body)).toBe(false)
  })

  it('comes to every kind of mutation within a few hundred documents', () => {
    const seeds = seedDocuments()
    const used = new Set(Array.from({ length: 600 }, (_, number) => fuzzCase(3, number, seeds).mutations).flat())
    expect(used.size).toBe(MUTATION_COUNT)
  })

  it('starts from documents of every format', () => {
    const starts = seedDocuments().map(seed => /<rss|<(?:a:)?feed|<rdf:RDF|^\s*\{/.exec(seed.whole)?.[0].trim().replace('a:', ''))
    expect(new Set(starts)).toEqual(new Set(['<rss', '<feed', '<rdf:RDF', '{']))
  })
})
