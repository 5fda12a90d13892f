import { createHash, type Hash, hash } from 'node:crypto'
import { Failure } from '../../../kernel/errors.js'
import type { Source } from '../driver.js'

const MAX_PARTS = 10_000
const MEBIBYTE = 1024 * 1024

export interface PartPlan {
  readonly partBytes: number
  readonly inFlight: number
}

export interface Part {
  /** From 1. */
  readonly number: number
  readonly from: number
  readonly to: number
}

/** The parts of a file of so many bytes, the same at every call; larger than planned where there would be too many. */
export function partsOf(bytes: number, plan: PartPlan): Part[] {
  const least = Math.ceil(bytes / MAX_PARTS / MEBIBYTE) * MEBIBYTE
  const size = Math.max(plan.partBytes, least)
  const count = Math.max(1, Math.ceil(bytes / size))
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    from: index * size,
    to: Math.min(bytes, (index + 1) * size),
  }))
}

/** MD5 of the parts' MD5s, and how many they are. */
export function joinedEtag(md5s: readonly string[]): string {
  return `${hash('md5', Buffer.from(md5s.join(''), 'hex'))}-${md5s.length}`
}

export async function etagOfParts(source: Source, plan: PartPlan): Promise<string> {
  const md5s: string[] = []
  for (const part of partsOf(source.bytes, plan)) md5s.push(await md5OfPart(source, part, null))
  return joinedEtag(md5s)
}

/** Hex; the bytes are told to `whole` too. @throws {Failure} MEDIA_CHANGED where there are fewer than the part has */
export async function md5OfPart(source: Source, part: Part, whole: Hash | null): Promise<string> {
  const md5 = createHash('md5')
  let bytes = 0
  const looked = source.look?.(part.from, part.to) ?? source.open(part.from, part.to)
  for await (const chunk of looked as AsyncIterable<Buffer>) {
    md5.update(chunk)
    whole?.update(chunk)
    bytes += chunk.length
  }
  if (bytes !== part.to - part.from) throw new Failure('MEDIA_CHANGED', 'the media has become shorter while it was read')
  return md5.digest('hex')
}
