import type { MeasuredBench } from '../result.js'
import { bytes, words } from './figures.js'
import { html, type Markup } from './markup.js'

/** On what it was measured, and what was done. */
export function settingsSection({ machine, settings }: MeasuredBench): Markup {
  const { drivers } = machine
  const facts: readonly (readonly [string, string])[] = [
    ['processor', `${machine.cpus} x ${machine.cpuModel}`],
    ['memory', bytes(machine.memoryBytes)],
    ['system', machine.os],
    ['Node', machine.node],
    ['database', drivers.db],
    ['cache', drivers.cache],
    ['queue', drivers.queue],
  ]
  return html`<section id="machine" class="card">
<h2>Machine</h2>
<p class="caption">Load generators, feedctl and, where there are any, its servers share it unless the settings say otherwise.</p>
${list(facts)}</section>
<section id="settings" class="card">
<h2>Settings</h2>
${list(Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[words(name), shown(value)] as const])))}</section>
`
}

function list(facts: readonly (readonly [string, string])[]): Markup {
  return html`<dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
`
}

function shown(value: unknown): string {
  if (value === null) return '–'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
