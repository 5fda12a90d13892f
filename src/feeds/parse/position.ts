/** "line L, column C" of a position in a text; both count from 1, columns in UTF-16 code units. */
export function placeOf(text: string, at: number): string {
  let line = 1
  let lineStart = 0
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', lineStart)) {
    line++
    lineStart = next + 1
  }
  return `line ${line}, column ${at - lineStart + 1}`
}
