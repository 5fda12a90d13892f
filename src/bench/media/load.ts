/** Files of one size that are brought to the bucket. */
export interface Shape {
  readonly name: 'small' | 'large'
  readonly files: number
  /** Of each file. */
  readonly bytes: number
}

/** What a benchmark of media makes and does. */
export interface MediaLoad {
  readonly shapes: readonly Shape[]
  /** Uploads that rclone has in flight. */
  readonly transfers: number
  /** Rounds of each shape: in each, both do the same files once. */
  readonly repeat: number
}

export const SMALL: Shape = { name: 'small', files: 3_000, bytes: 20_000 }
export const LARGE: Shape = { name: 'large', files: 200, bytes: 20_000_000 }
/** Below what anyone uploads in parts: the etag of each object is the MD5 of its file. */
export const MOST_BYTES = 50_000_000

/** Most that passes, as parts of what rclone takes for the same files; null where nothing is promised. */
export interface Targets {
  readonly wallRatio: number | null
  readonly cpuRatio: number | null
}

export const PEAK_RSS_BYTES = 250_000_000
/** Of less, what is measured is how programs start. */
const LEAST_BYTES = 50_000_000

export function targetsOf({ name, files, bytes }: Shape): Targets {
  if (files * bytes < LEAST_BYTES) return { wallRatio: null, cpuRatio: null }
  return name === 'small' ? { wallRatio: 1, cpuRatio: 1.5 } : { wallRatio: 1.1, cpuRatio: null }
}
