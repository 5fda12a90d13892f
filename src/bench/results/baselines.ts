import { LEAST_SAMPLES } from './comparison.js'
import { machineDiffering, settingsDiffering } from './differences.js'
import type { StoredBench, StoredRow } from './stored.js'

/** What is known of a run before it. */
export interface KnownBefore {
  readonly machine: StoredBench['machine']
  /** Settings that will be what they are now, by their names in results. */
  readonly settings: StoredBench['settings']
}

/** Settings that are not what was asked for where the drivers have none of it. */
const NOT_AS_ASKED = new Set(['workers'])

/** Why nothing of the run could be compared with the result, as far as it is known before; empty when it could. */
export function obstaclesBefore({ machine, settings, rows }: StoredBench, known: KnownBefore): string[] {
  const names = Object.keys(known.settings).filter(name => name in settings && !NOT_AS_ASKED.has(name))
  const those = (of: StoredBench['settings']) => Object.fromEntries(names.map(name => [name, of[name]]))
  return [
    ...machineDiffering(machine, known.machine),
    ...settingsDiffering(those(settings), those(known.settings)),
    ...(rows.some(isKnownWell) ? [] : [`it has no valid figure of ${LEAST_SAMPLES} looks`]),
  ]
}

/**
 * Whether later results may be measured by it without anyone having chosen it: it has figures that count, all its promises are of valid ones, and it was not itself
 * worse than what it was compared with.
 */
export function isSound({ rows, baseline }: StoredBench): boolean {
  const becameWorse = baseline?.rows.some(({ verdict }) => verdict === 'worse' || verdict === 'no longer valid') ?? false
  return !becameWorse && rows.some(isKnownWell) && rows.every(row => row.target === null || isKnownWell(row))
}

function isKnownWell({ valid, measured, samples }: StoredRow): boolean {
  return valid && measured !== null && (samples ?? 0) >= LEAST_SAMPLES
}
