import type { StoredBench } from './stored.js'

type Machine = StoredBench['machine']

/** The system tells a little more or less after each start. */
const SAME_MEMORY = 0.05
/** How often, where and what was found there: not what was done. */
const NO_LOAD = new Set(['repeat', 'phase', 'answer_bytes', 'answers', 'bucket', 'endpoint'])

/** What differs between two results of a scenario: what forbids comparing them, and what may be the reason for a change. */
export function differencesOf(before: StoredBench, now: StoredBench): { obstacles: string[]; notes: string[] } {
  return {
    obstacles: [...machineDiffering(before.machine, now.machine), ...settingsDiffering(before.settings, now.settings)],
    notes: [
      ...pair('feedctl', before.version ?? null, now.version ?? null),
      ...pair('Node', before.machine.node, now.machine.node),
      ...pair('the system', before.machine.os, now.machine.os),
    ],
  }
}

/** Why what was measured on one cannot be compared with what is measured on the other. */
export function machineDiffering(before: Machine, now: Machine): string[] {
  const cores = ({ cpus, cpu_model: model }: Machine) => `${cpus} x ${model}`
  const isOther = cores(before) !== cores(now) || !isAbout(before.memory_bytes, now.memory_bytes)
  const words = (machine: Machine) => `${cores(machine)} with ${(machine.memory_bytes / 1e9).toFixed(1)} GB`
  const drivers = ({ drivers: { db, cache, queue } }: Machine) => `${db}, cache ${cache}, queue ${queue}`
  return [
    ...(isOther ? [`measured on another machine: ${words(before)} before, ${words(now)} now`] : []),
    ...(drivers(before) === drivers(now) ? [] : [`on other drivers: ${drivers(before)} before, ${drivers(now)} now`]),
  ]
}

/** Of the settings that say what was done, those that differ; one that only one of them has is off in the other. */
export function settingsDiffering(before: StoredBench['settings'], now: StoredBench['settings']): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter(name => !NO_LOAD.has(name) && shown(before[name]) !== shown(now[name]))
    .map(name => `${name} was ${shown(before[name])}, and is ${shown(now[name])}`)
}

function pair(what: string, before: string | null, now: string | null): string[] {
  return before === null || now === null || before === now ? [] : [`${what} was ${before}, and is ${now}`]
}

/** Off, null and absent are the same. */
function shown(value: unknown): string {
  return value === undefined || value === null || value === false ? 'none' : JSON.stringify(value)
}

function isAbout(one: number, other: number): boolean {
  return Math.abs(one - other) <= Math.max(one, other) * SAME_MEMORY
}
