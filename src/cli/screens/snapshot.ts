import type { Style } from '../style.js'
import type { Section } from './arrange.js'
import type { Look, Reading } from './look.js'
import { queueSection } from './queue-rows.js'
import { alertSection, runSection, supervisorSections } from './run-rows.js'
import { tenantSections } from './tenant-rows.js'
import { workerSection } from './worker-rows.js'

/** Everything at once, as text: what the screen shows in its views. */
export function snapshotText(reading: Reading, style: Style): string {
  const look: Look = { ...reading, rates: new Map(), width: style.columns, style, selected: null }
  const sections = [
    [alertSection(look), runSection(look)],
    [queueSection(look, true)],
    [workerSection(look, true)],
    ...supervisorSections(look).map(section => [section]),
    ...tenantSections(look).map(section => [section]),
  ]
  return sections
    .map(together => together.flatMap(linesOf).join('\n'))
    .filter(text => text !== '')
    .join('\n\n')
}

/** Without the two cells that a mark would take. */
function linesOf({ head, lines }: Section): string[] {
  const all = head === null || lines.length === 0 ? lines : [head, ...lines]
  return all.map(line => line.replace(/^ {2}/, '').trimEnd())
}
