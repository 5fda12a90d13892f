import { count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { showControls } from '../../src/cli/width.js'

const SHOWN = 20

interface FailedFile {
  readonly tenant: string
  readonly name: string | null
  readonly code: string
  readonly message: string
}

/** The first failures as lines under a heading, and how many more there are; nothing when there are none. */
export function failureLines(failures: readonly FailedFile[], total: number, style: Style): string[] {
  if (failures.length === 0) return []
  const lines = failures.slice(0, SHOWN).map(({ tenant, name, code, message }) => {
    const where = name === null ? tenant : `${tenant} ${name}`
    return `  ${showControls(`${where}: ${message}`)} ${style.dim(`(${code})`)}`
  })
  const more = total - lines.length
  return ['failures', ...lines, ...(more > 0 ? [`  and ${count(more)} more: --json lists them`] : [])]
}
