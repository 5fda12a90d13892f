/** Phases of the guide, by how many tenants they are for. */
export const PHASES = [
  { name: 'mvp', tenants: 100 },
  { name: 'growth', tenants: 500 },
  { name: 'scale', tenants: 2_000 },
  { name: 'enterprise', tenants: Number.POSITIVE_INFINITY },
] as const

export type Phase = (typeof PHASES)[number]['name']

export function phaseOf(tenants: number): Phase {
  return PHASES.find(phase => tenants <= phase.tenants)?.name ?? 'enterprise'
}
