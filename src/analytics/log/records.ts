import { crc32 } from 'node:zlib'

/** Length of the payload and its CRC-32, each in four bytes, the least first. */
const HEAD_BYTES = 8

/** The payload as one record of a file of records. */
export function recordOf(payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(HEAD_BYTES + payload.byteLength)
  record.writeUInt32LE(payload.byteLength, 0)
  record.writeUInt32LE(crc32(payload), 4)
  record.set(payload, HEAD_BYTES)
  return record
}

/** The payloads of the records, as views, up to the first that is not whole: the process that wrote it was killed. */
export function payloadsIn(bytes: Buffer): Buffer[] {
  const payloads: Buffer[] = []
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const from = at + HEAD_BYTES
    const end = from + bytes.readUInt32LE(at)
    const payload = bytes.subarray(from, end)
    if (end > bytes.length || payload.length === 0 || crc32(payload) !== bytes.readUInt32LE(at + 4)) return payloads
    payloads.push(payload)
    at = end
  }
  return payloads
}
