/** Throughput with so many processes; one value for each repeat. */
export interface ScalabilityPoint {
  readonly processes: number
  readonly perS: readonly number[]
}

/** A coefficient's bounds, of nine tenths of the bootstrap. */
export type Interval = readonly [low: number, high: number]

/**
 * The Universal Scalability Law fitted to measured points: X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)).
 * @see Gunther, Guerrilla Capacity Planning, 2007
 */
export interface ScalabilityModel {
  /** Throughput of one process, per second. */
  readonly lambda: number
  /** Contention: the part of the work that waits for others. */
  readonly sigma: number
  /** Coherency: what each pair of processes costs. */
  readonly kappa: number
  readonly intervals: { readonly lambda: Interval; readonly sigma: Interval; readonly kappa: Interval }
  readonly rSquared: number
  readonly points: readonly ScalabilityPoint[]
  /** Processes beyond which more of them do less; null where there are none such, up to `mostProcesses`, or where more than one draw of the bootstrap in twenty has none at all. */
  readonly knee: number | null
  /** Its bounds, of nine tenths of the bootstrap, up to `mostProcesses`; null where it is. */
  readonly kneeInterval: Interval | null
  /** Most processes that anything is said of: three times the most that were measured. */
  readonly mostProcesses: number
  /** What costs more at the most processes that were measured, in nine draws of ten; none where nothing does, or draws disagree. */
  readonly bottleneck: 'contention' | 'coherency' | 'none'
}
