/** A part of a view: a line of titles and lines of its own. */
export interface Section {
  /** Null where the lines speak for themselves. */
  readonly head: string | null
  readonly lines: readonly string[]
  /** Rows it is given before any section gets more, its head included. */
  readonly least: number
  /** Where there is no room, the section with the highest rank is left out first. */
  readonly rank: number
  /** Index of the line that must be seen; null when any may be. */
  readonly selected: number | null
}

/**
 * The sections' lines, cut to so many rows: each section gets its least, in the order of rank, then blank lines part them where all may have
 * one, then they grow in turn. What is cut is counted. Fewer lines than rows when that is all there is.
 */
export function arrange(sections: readonly Section[], rows: number): string[] {
  const filled = sections.filter(({ head, lines }) => head !== null || lines.length > 0)
  const ranked = [...filled].sort((a, b) => a.rank - b.rank)
  const given = new Map<Section, number>()
  let left = rows
  for (const section of ranked) {
    const share = Math.min(section.least, wants(section))
    if (share > left) continue
    given.set(section, share)
    left -= share
  }
  const shown = filled.filter(section => given.has(section))
  const parted = left >= shown.length - 1
  if (parted) left -= Math.max(0, shown.length - 1)
  for (let grew = true; grew && left > 0; ) {
    grew = false
    for (const section of ranked) {
      const share = given.get(section)
      if (share === undefined || share >= wants(section) || left === 0) continue
      given.set(section, share + 1)
      left--
      grew = true
    }
  }
  return shown.flatMap((section, index) => [
    ...(parted && index > 0 ? [''] : []),
    ...linesWithin(section, given.get(section) ?? 0),
  ])
}

function wants({ head, lines }: Section): number {
  return (head === null ? 0 : 1) + lines.length
}

function linesWithin({ head, lines, selected }: Section, rows: number): string[] {
  const room = rows - (head === null ? 0 : 1)
  const top = head === null ? [] : [head]
  if (room >= lines.length) return [...top, ...lines]
  // In one row alone, a line says more than a count.
  if (room < 2) {
    const from = selected ?? 0
    return [...top, ...lines.slice(from, from + Math.max(0, room))]
  }
  const seen = room - 1
  const first = Math.max(0, (selected ?? 0) - seen + 1)
  return [...top, ...lines.slice(first, first + seen), `  … ${lines.length - seen} more`]
}
