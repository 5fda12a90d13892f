export interface Utf8Tally {
  /** Characters of more than one byte. */
  readonly valid: number
  /** Sequences that are no character. What is cut at the end counts as neither. */
  readonly invalid: number
}

/** How far bytes that are not valid UTF-8 are from it. */
export function utf8Tally(bytes: Uint8Array): Utf8Tally {
  let valid = 0
  let invalid = 0
  for (let at = 0; at < bytes.length; at++) {
    const lead = bytes[at] ?? 0
    if (lead < 0x80) continue
    const more = continuationsAfter(lead)
    let found = 0
    while (found < more && isContinuation(bytes, at + found + 1, found === 0 ? lead : 0)) found++
    at += found
    if (more > 0 && found === more) valid++
    else if (more === 0 || at + 1 < bytes.length) invalid++
  }
  return { valid, invalid }
}

function continuationsAfter(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0
  return lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
}

/** Table 3-7 of the Unicode standard: the byte after some leads is bounded, against overlong forms, surrogates and what is past U+10FFFF. */
function isContinuation(bytes: Uint8Array, at: number, lead: number): boolean {
  const byte = bytes[at] ?? 0
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  return byte >= least && byte <= most
}
