import type { Random } from '../../../src/bench/feed-server/random.js'
import type { Seed } from './seeds.js'

/** A document as a string of bytes into another one; the choices are the sequence's alone. What it does not find it leaves as it is. */
export type Mutator = (text: string, random: Random, seeds: readonly Seed[]) => string

export type Mutators = Readonly<Record<string, Mutator>>
