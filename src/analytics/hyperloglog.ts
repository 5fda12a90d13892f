/**
 * HyperLogLog with 2^12 registers: how many different visitors there were, in at most 3,073 bytes, with a standard error of 1.04 / sqrt(4,096) = 1.6 %.
 * Few visitors are kept as sorted entries instead, which count them nearly exactly: `prefix << 6 | rank`, where the prefix is the first 26 bits of the hash
 * and the rank the place of the first 1 among the 38 others. Both forms merge without loss.
 * @see https://arxiv.org/abs/1702.01284 Otmar Ertl, New cardinality estimation algorithms for HyperLogLog sketches; entries as in HyperLogLog++
 */
export type Sketch = Uint32Array | Uint8Array

/** Standard error of an estimate, in percent. */
export const VISITORS_ERROR_PERCENT = 1.6

const REGISTERS = 4_096
/** Bits behind the 12 that choose the register. */
const RANK_BITS = 52
const PREFIXES = 2 ** 26
/** From here on entries would take more bytes than registers do. */
const MOST_ENTRIES = 768
const REGISTER_BYTES = (REGISTERS / 4) * 3

/** First byte of what is stored. */
const ENTRIES = 1
const DENSE = 2

/** The entry of a visitor, by the two words of its hash. */
export function entryOf(high: number, low: number): number {
  const rest = high & 63
  const rank = rest !== 0 ? Math.clz32(rest) - 25 : 7 + Math.clz32(low)
  return ((high & ~63) | rank) >>> 0
}

/** Of many entries in any order, and more than once; they are in another order then. */
export function sketchOf(entries: Uint32Array): Sketch {
  if (entries.length > MOST_ENTRIES) {
    const registers = new Uint8Array(REGISTERS)
    if (raise(registers, entries) > MOST_ENTRIES) return registers
  }
  const distinct = distinctOf(entries.sort())
  return distinct.length > MOST_ENTRIES ? registersOf(distinct) : distinct
}

/** What both have seen: `one` itself when `other` has seen nothing that is new to it. Neither is changed. */
export function mergeSketches(one: Sketch, other: Sketch): Sketch {
  if (one instanceof Uint32Array && other instanceof Uint32Array) return mergeEntries(one, other)
  const merged = one instanceof Uint8Array ? one.slice() : registersOf(one)
  if (other instanceof Uint32Array) raise(merged, other)
  else for (let index = 0; index < REGISTERS; index++) merged[index] = Math.max(merged[index] as number, other[index] as number)
  if (one instanceof Uint32Array) return merged
  for (let index = 0; index < REGISTERS; index++) if (merged[index] !== one[index]) return merged
  return one
}

/** How many visitors it has seen, about. */
export function estimate(sketch: Sketch): number {
  if (sketch instanceof Uint8Array) return Math.round(estimateRegisters(sketch))
  // Linear counting over the prefixes.
  return Math.round(PREFIXES * Math.log(PREFIXES / (PREFIXES - sketch.length)))
}

export function encodeSketch(sketch: Sketch): Uint8Array {
  if (sketch instanceof Uint8Array) return packed(sketch)
  const bytes = Buffer.allocUnsafe(1 + sketch.length * 4)
  bytes[0] = ENTRIES
  for (let index = 0; index < sketch.length; index++) bytes.writeUInt32LE(sketch[index] as number, 1 + index * 4)
  return bytes
}

/** @throws {Error} for what no feedctl of this version has written */
export function decodeSketch(bytes: Uint8Array): Sketch {
  if (bytes[0] === DENSE && bytes.length === 1 + REGISTER_BYTES) return unpacked(bytes)
  if (bytes[0] !== ENTRIES || bytes.length % 4 !== 1) throw new Error(`not a sketch: ${bytes.length} bytes of form ${bytes[0]}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset + 1)
  const entries = new Uint32Array((bytes.length - 1) / 4)
  for (let index = 0; index < entries.length; index++) entries[index] = view.getUint32(index * 4, true)
  return entries
}

function registersOf(entries: Uint32Array): Uint8Array {
  const registers = new Uint8Array(REGISTERS)
  raise(registers, entries)
  return registers
}

/** Adds the entries; answers how many registers rose from 0. */
function raise(registers: Uint8Array, entries: Uint32Array): number {
  let risen = 0
  for (let place = 0; place < entries.length; place++) {
    const entry = entries[place] as number
    const middle = (entry >>> 6) & 0x3fff
    const rank = middle !== 0 ? Math.clz32(middle) - 17 : 14 + (entry & 63)
    const index = entry >>> 20
    const before = registers[index] as number
    if (before === 0) risen++
    if (rank > before) registers[index] = rank
  }
  return risen
}

/** Of entries in order: each prefix once, with its highest rank, which is the last. */
function distinctOf(sorted: Uint32Array): Uint32Array {
  let length = 0
  for (let place = 0; place < sorted.length; place++) {
    const entry = sorted[place] as number
    if (length > 0 && (sorted[length - 1] as number) >>> 6 === entry >>> 6) length--
    sorted[length++] = entry
  }
  return sorted.slice(0, length)
}

function mergeEntries(one: Uint32Array, other: Uint32Array): Sketch {
  const merged = new Uint32Array(one.length + other.length)
  let [length, ofOne, ofOther, news] = [0, 0, 0, 0]
  while (ofOne < one.length && ofOther < other.length) {
    const [a, b] = [one[ofOne] as number, other[ofOther] as number]
    const same = a >>> 6 === b >>> 6
    merged[length++] = same ? Math.max(a, b) : Math.min(a, b)
    if (same ? b > a : b < a) news++
    if (same || a < b) ofOne++
    if (same || b < a) ofOther++
  }
  news += other.length - ofOther
  if (news === 0) return one
  merged.set(one.subarray(ofOne), length)
  length += one.length - ofOne
  merged.set(other.subarray(ofOther), length)
  length += other.length - ofOther
  return length > MOST_ENTRIES ? registersOf(merged.subarray(0, length)) : merged.slice(0, length)
}

/** Algorithm 6 of Ertl's paper. */
function estimateRegisters(registers: Uint8Array): number {
  const counts = new Float64Array(RANK_BITS + 2)
  for (let index = 0; index < REGISTERS; index++) {
    const value = registers[index] as number
    counts[value] = (counts[value] as number) + 1
  }
  let z = REGISTERS * tau(1 - (counts[RANK_BITS + 1] as number) / REGISTERS)
  for (let value = RANK_BITS; value >= 1; value--) z = 0.5 * (z + (counts[value] as number))
  z += REGISTERS * sigma((counts[0] as number) / REGISTERS)
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z)
}

function sigma(start: number): number {
  if (start === 1) return Number.POSITIVE_INFINITY
  let [x, y, z] = [start, 1, start]
  for (let before = -1; before !== z; ) {
    before = z
    x *= x
    z += x * y
    y += y
  }
  return z
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0
  let [x, y, z] = [start, 1, 1 - start]
  for (let before = -1; before !== z; ) {
    before = z
    x = Math.sqrt(x)
    y *= 0.5
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}

/** Four registers of 6 bits in three bytes. */
function packed(registers: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + REGISTER_BYTES)
  bytes[0] = DENSE
  for (let index = 0, at = 1; index < REGISTERS; index += 4, at += 3) {
    const [a, b, c, d] = [registers[index] ?? 0, registers[index + 1] ?? 0, registers[index + 2] ?? 0, registers[index + 3] ?? 0]
    bytes[at] = (a << 2) | (b >> 4)
    bytes[at + 1] = ((b & 15) << 4) | (c >> 2)
    bytes[at + 2] = ((c & 3) << 6) | d
  }
  return bytes
}

function unpacked(bytes: Uint8Array): Uint8Array {
  const registers = new Uint8Array(REGISTERS)
  for (let index = 0, at = 1; index < REGISTERS; index += 4, at += 3) {
    const [x, y, z] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0]
    registers[index] = x >> 2
    registers[index + 1] = ((x & 3) << 4) | (y >> 4)
    registers[index + 2] = ((y & 15) << 2) | (z >> 6)
    registers[index + 3] = z & 63
  }
  return registers
}
