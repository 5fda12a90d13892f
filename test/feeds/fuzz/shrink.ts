/**
 * Smaller bytes that still fail: pieces of half the length, a quarter and so on down to a byte are left out wherever `fails` still holds, and the
 * last round is repeated as long as it helps. At most `attempts` tries.
 */
export async function shrink(bytes: Buffer, fails: (candidate: Buffer) => Promise<boolean>, attempts: number): Promise<Buffer> {
  let kept = bytes
  let left = attempts
  let size = Math.ceil(bytes.length / 2)
  while (left > 0 && kept.length > 1) {
    const before = kept.length
    for (let from = 0; from < kept.length && left > 0; ) {
      const candidate = Buffer.concat([kept.subarray(0, from), kept.subarray(from + size)])
      left--
      if (candidate.length > 0 && (await fails(candidate))) kept = candidate
      else from += size
    }
    if (size === 1 && kept.length === before) break
    size = Math.max(1, Math.floor(size / 2))
  }
  return kept
}
