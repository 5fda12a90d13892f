const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const ELLIPSIS = '…'
/** Of a terminal that does not know its size. */
export const UNKNOWN_COLUMNS = 80

/** Text that cannot move the cursor, ring, or turn the direction of writing: such characters are shown as `\n`, `\t`, `\u001b`. */
export function showControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, character => {
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character]
    return short ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** The cells a text without control characters takes: 2 for CJK and emoji, 0 for a mark of its own. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let cells = 0
  for (const { segment } of graphemes.segment(text)) cells += graphemeWidth(segment)
  return cells
}

/** The text, or what of it fits before an ellipsis. */
export function cutToWidth(text: string, cells: number): string {
  if (widthOf(text) <= cells) return text
  let kept = ''
  let used = widthOf(ELLIPSIS)
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment)
    if (used > cells) break
    kept += segment
  }
  return `${kept}${ELLIPSIS}`
}

function graphemeWidth(grapheme: string): number {
  if (/^[\p{M}\p{Cf}]+$/u.test(grapheme)) return 0
  if (/\p{Emoji_Presentation}/u.test(grapheme) || /\p{Extended_Pictographic}\ufe0f/u.test(grapheme)) return 2
  return WIDE.test(grapheme) ? 2 : 1
}
