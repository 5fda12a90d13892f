const MOST_BYTES = 8
/** Whole numbers of a varint are below it: of eight bytes of seven bits, what a double holds exactly. */
const BEYOND = 2 ** 53

/** Writes numbers one after the other into a buffer that grows. */
export class ByteWriter {
  private at = 0
  private buffer: Buffer

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size)
  }

  /** What was written; the writer is done. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.at)
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.at++] = value
  }

  /** A whole number from 0 to 2^53 - 1, small ones in few bytes. */
  varint(value: number): void {
    this.reserve(MOST_BYTES)
    const { buffer } = this
    let rest = value
    let { at } = this
    // Shifts are for 32 bits only.
    while (rest > 0x7fffffff) {
      buffer[at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest > 127) {
      buffer[at++] = (rest & 127) | 128
      rest >>>= 7
    }
    buffer[at++] = rest
    this.at = at
  }

  /** A whole number of either sign, below 2^52. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value)
    this.varint(bytes)
    this.reserve(bytes)
    this.at += this.buffer.write(value, this.at)
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.byteLength)
    this.buffer.set(bytes, this.at)
    this.at += bytes.byteLength
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.at + bytes))
    this.buffer.copy(larger, 0, 0, this.at)
    this.buffer = larger
  }
}

/** Reads what a ByteWriter wrote. Every method throws a RangeError where the bytes do not hold what is asked for. */
export class ByteReader {
  at = 0

  constructor(private readonly buffer: Buffer) {}

  get isAtEnd(): boolean {
    return this.at >= this.buffer.length
  }

  byte(): number {
    const value = this.buffer[this.at++]
    if (value === undefined) throw new RangeError('the bytes end too early')
    return value
  }

  varint(): number {
    const { buffer } = this
    let value = 0
    let factor = 1
    for (let read = 0; read < MOST_BYTES; read++) {
      const byte = buffer[this.at++]
      if (byte === undefined) throw new RangeError('the bytes end too early')
      value += (byte & 127) * factor
      if (byte < 128) return value < BEYOND ? value : fail()
      factor *= 128
    }
    return fail()
  }

  signed(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  text(): string {
    return this.raw(this.varint()).toString()
  }

  /** A view, no copy. */
  raw(bytes: number): Buffer {
    const end = this.at + bytes
    if (end > this.buffer.length) throw new RangeError('the bytes end too early')
    const part = this.buffer.subarray(this.at, end)
    this.at = end
    return part
  }
}

function fail(): never {
  throw new RangeError('a number is too large')
}
