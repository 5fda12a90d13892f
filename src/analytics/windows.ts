import { Failure } from '../kernel/errors.js'

const WINDOW_BYTES = 1024 * 1024
const MOST_LINE_BYTES = 1024 * 1024
const NEWLINE = 10

/** Whole lines that follow each other. */
export interface Window {
  /** Of its first byte from the beginning of all. */
  readonly offset: number
  readonly bytes: Buffer
}

/** Cuts what comes into windows of whole lines, at places that depend on the bytes only, however they come. @throws {Failure} FILE_UNREADABLE for a line of more than a mebibyte */
export async function* windowsOf(source: AsyncIterable<Uint8Array>, windowBytes = WINDOW_BYTES): AsyncGenerator<Window> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  let offset = 0
  for await (const chunk of source) {
    held.push(chunk)
    heldBytes += chunk.byteLength
    if (heldBytes < windowBytes) continue
    let rest = Buffer.concat(held)
    for (let end = lastOf(rest, windowBytes); end > 0; end = lastOf(rest, windowBytes)) {
      yield { offset, bytes: rest.subarray(0, end) }
      offset += end
      rest = rest.subarray(end)
    }
    if (rest.length > windowBytes + MOST_LINE_BYTES)
      throw new Failure('FILE_UNREADABLE', `the line at byte ${offset + windowBytes} has no end: this is no NDJSON`)
    held = [rest]
    heldBytes = rest.length
  }
  const rest = Buffer.concat(held)
  if (rest.length > 0) yield { offset, bytes: rest }
}

/** Where the line ends that the window ends in; 0 when that is not there yet. */
function lastOf(bytes: Buffer, windowBytes: number): number {
  return bytes.length < windowBytes ? 0 : bytes.indexOf(NEWLINE, windowBytes - 1) + 1
}
