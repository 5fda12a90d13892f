import { PHASES, type Phase } from '../../watch/phases.js'

/** How far the phase that the tenants put the installation in is used. */
export interface PhaseGauge {
  readonly name: Phase
  readonly tenants: number
  /** Null in the last phase, which has no end. */
  readonly limit: number | null
  readonly usedPercent: number | null
  /** Null in the last. */
  readonly next: Phase | null
}

export function phaseGauge(tenants: number): PhaseGauge {
  const found = PHASES.findIndex(phase => tenants <= phase.tenants)
  const place = found === -1 ? PHASES.length - 1 : found
  const { name, tenants: most } = PHASES[place] ?? PHASES[0]
  const limit = Number.isFinite(most) ? most : null
  return {
    name,
    tenants,
    limit,
    usedPercent: limit === null ? null : Math.round((tenants / limit) * 100),
    next: PHASES[place + 1]?.name ?? null,
  }
}
