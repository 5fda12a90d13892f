/** What a benchmark of tenants makes and does. */
export interface TenantsLoad {
  /** Tenants in databases of their own, and as many bare databases beside them. */
  readonly dedicated: number
  /** Tenants in shared tables. */
  readonly shared: number
  /** Single sign-ups of each kind. */
  readonly signUps: number
  /** Whole rounds, each in a place of its own. */
  readonly repeat: number
}

/** Promised for a machine of two cores that also runs the databases and Redis. Times are for at most `dedicated` and `shared` tenants. */
export const TARGETS = {
  ddlRatio: 0.8,
  dedicated: 2_000,
  migrateNothingMs: 1_000,
  shared: 50_000,
  sharedS: 60,
  detachS: 10,
  signUpSpareMs: 100,
  pageMs: 200,
} as const

/** Databases of each kind that are made in a turn: whatever else the machine does then meets both. */
export const TURN = 200
