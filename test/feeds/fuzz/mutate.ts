import { mix, Random } from '../../../src/bench/feed-server/random.js'
import { BYTES } from './mutate-bytes.js'
import { FEED } from './mutate-feed.js'
import { JSONS } from './mutate-json.js'
import { MARKUP } from './mutate-markup.js'
import type { Mutator, Mutators } from './mutator.js'
import type { Seed } from './seeds.js'

const MAX_MUTATIONS = 8
const MAX_BYTES = 2_000_000

const CONTENT_TYPES = [
  null,
  null,
  null,
  'text/xml',
  'application/rss+xml; charset=utf-8',
  'application/feed+json',
  'text/html; charset=ISO-8859-1',
  'text/xml; charset=utf-16',
  'application/xml;charset="shift_jis"',
  'text/xml; charset=koi8-r; charset=utf-8',
  'charset=',
  '\u00E9;charset=\u0000',
]

const URLS = [
  'https://feeds.example/dir/feed.xml',
  'https://feeds.example/dir/feed.xml',
  'http://localhost/',
  'http://[::1]:8080/a?b#c',
]

const KINDS: readonly Mutators[] = [BYTES, MARKUP, FEED, JSONS]

/** Mutations per kind and name, for the figures of a run. */
export const MUTATION_COUNT = KINDS.reduce((sum, kind) => sum + Object.keys(kind).length, 0)

export interface FuzzCase {
  readonly seed: number
  readonly number: number
  readonly name: string
  readonly mutations: readonly string[]
  readonly body: Buffer
  readonly contentType: string | null
  readonly url: string
}

/** Case `number` of a seed: the same on every machine, as long as the seed documents are the same. */
export function fuzzCase(seed: number, number: number, seeds: readonly Seed[]): FuzzCase {
  const random = new Random(mix(seed, number))
  const start = random.pick(seeds)
  let text = random.below(12) === 0 ? start.whole : start.short
  const mutations: string[] = []
  for (let left = 1 + random.below(MAX_MUTATIONS); left > 0; left--) {
    const [name, mutate] = pickMutator(random, text)
    text = mutate(text, random, seeds).slice(0, MAX_BYTES)
    mutations.push(name)
  }
  return {
    seed,
    number,
    name: start.name,
    mutations,
    body: Buffer.from(text, 'latin1'),
    contentType: random.pick(CONTENT_TYPES),
    url: random.pick(URLS),
  }
}

/** Mutations of feeds and markup mostly: after a few of bytes alone, a document is only noise. */
function pickMutator(random: Random, text: string): readonly [string, Mutator] {
  const structured = /^\s*\{/.test(text) ? JSONS : random.below(2) === 0 ? MARKUP : FEED
  const kind = random.below(4) === 0 ? BYTES : structured
  return random.pick(Object.entries(kind))
}
