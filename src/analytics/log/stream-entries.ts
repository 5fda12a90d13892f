import type { EventBatch } from '../event-batch.js'
import { decodeBatch } from './codec.js'
import { ByteReader, ByteWriter } from './varints.js'

/** Encoded batches as one entry of a stream. */
export function entryOf(batches: readonly Buffer[]): Buffer {
  const writer = new ByteWriter(batches.reduce((sum, batch) => sum + batch.length + 4, 1))
  writer.varint(batches.length)
  for (const batch of batches) {
    writer.varint(batch.length)
    writer.raw(batch)
  }
  return writer.bytes()
}

/** @throws {RangeError} for what is none, or holds a batch of a later feedctl */
export function batchesIn(entry: Buffer): EventBatch[] {
  const reader = new ByteReader(entry)
  return Array.from({ length: batchesOf(reader) }, () => decodeBatch(reader.raw(reader.varint())))
}

function batchesOf(reader: ByteReader): number {
  const count = reader.varint()
  if (count > 100_000) throw new RangeError('it has too many batches')
  return count
}
