/** How a bucket answered when it was asked for the names of nothing. */
export interface Greeting {
  /** `<bucket> at <host>`. */
  readonly where: string
  readonly status: number
  /** Of the error; null without one. */
  readonly code: string | null
  /** How far the server's clock is ahead of ours, ms, as its Date header says in whole seconds; null when it has none. */
  readonly aheadMs: number | null
  readonly tookMs: number
}

/** What became of an object that was put with its MD5, and got. */
export interface RoundTrip {
  readonly bytes: number
  /** Why it could not be put or got; null when it could. */
  readonly refusal: string | null
  readonly same: boolean
  readonly etagIsMd5: boolean
}

/** How an object was answered that was put with the MD5 of other bytes. */
export interface WrongMd5Answer {
  readonly status: number
  readonly code: string | null
}

export interface PartsAnswer {
  /** Why an upload could not be begun, or its part not sent; null when they could. */
  readonly refusal: string | null
  /** ListParts names the part, with its MD5. */
  readonly listed: boolean
  readonly aborted: boolean
}

/** What one without keys may do. */
export interface PublicAnswer {
  readonly list: boolean
  readonly read: boolean
}

/** Small objects that were put with so many requests in flight. */
export interface Burst {
  readonly inFlight: number
  /** Objects that were stored, per second. */
  readonly perS: number
  readonly throttled: number
  readonly failed: number
}

/**
 * What is asked of a bucket to know it: nothing is tried twice, one deed at a time, and whatever was put is removed at the end of its deed.
 * All objects are `<prefix>/.feedctl-doctor-<random>/...`. Deeds reject with UNAVAILABLE where the bucket does not answer at all.
 */
export interface BucketProbe {
  greet(): Promise<Greeting>
  roundTrip(): Promise<RoundTrip>
  wrongMd5(): Promise<WrongMd5Answer>
  parts(): Promise<PartsAnswer>
  anonymous(): Promise<PublicAnswer>
  /** Each level for so long, at most. */
  bursts(levels: readonly number[], eachMs: number): Promise<Burst[]>
  /** Ends what is under way, and removes what may be left. */
  close(): Promise<void>
}
