/** What the guide's capacity table says that a phase carries. */
export interface PhaseCapacity {
  readonly tenants: number
  readonly users: number
  readonly requestsPerS: number
}

/** Phases of the guide: by how many tenants they are for, and what its capacity table says of each. */
export const PHASES = [
  { name: 'mvp', tenants: 100, carries: { tenants: 100, users: 50, requestsPerS: 100 } },
  { name: 'growth', tenants: 500, carries: { tenants: 500, users: 200, requestsPerS: 500 } },
  { name: 'scale', tenants: 2_000, carries: { tenants: 2_000, users: 1_000, requestsPerS: 2_000 } },
  {
    name: 'enterprise',
    tenants: Number.POSITIVE_INFINITY,
    carries: { tenants: 50_000, users: 25_000, requestsPerS: 50_000 },
  },
] as const satisfies readonly { readonly name: string; readonly tenants: number; readonly carries: PhaseCapacity }[]

export type Phase = (typeof PHASES)[number]['name']

export function phaseOf(tenants: number): Phase {
  return PHASES.find(phase => tenants <= phase.tenants)?.name ?? 'enterprise'
}
