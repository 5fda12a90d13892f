/** Wasabi's prices are of TB of 1,024 GB: https://wasabi-support.zendesk.com/hc/en-us/articles/360059412931 */
export const TB = 1024 ** 4
/** Smaller objects are billed as this: https://docs.wasabi.com/docs/billing-for-overwrites-and-deleted-storage */
export const LEAST_BILLED_BYTES = 4096
const DAYS_OF_MONTH = 30

export interface Stored {
  readonly files: number
  readonly bytes: number
  /** Files of fewer than `LEAST_BILLED_BYTES`, and the bytes of these alone. */
  readonly small: { readonly files: number; readonly bytes: number }
}

/** As in the settings. */
export interface Prices {
  readonly wasabiUsdPerTb: number
  /** TB that are billed at least. */
  readonly wasabiMinTb: number
  /** Days that an object is billed at least. */
  readonly wasabiMinDays: number
}

export interface Cost {
  /** Small objects as what they are billed as. */
  readonly billedBytes: number
  readonly paddedBytes: number
  /** USD, the least bill of an account included. */
  readonly monthlyUsd: number
  /** Below this the least bill of an account is paid. */
  readonly isMinimum: boolean
  /** USD that are owed for these objects even when all of them are removed at once. */
  readonly exposureUsd: number
}

export function costOf(stored: Stored, prices: Prices): Cost {
  const paddedBytes = stored.small.files * LEAST_BILLED_BYTES - stored.small.bytes
  const billedBytes = stored.bytes + paddedBytes
  const tb = billedBytes / TB
  const monthlyUsd = Math.max(tb, prices.wasabiMinTb) * prices.wasabiUsdPerTb
  return {
    billedBytes,
    paddedBytes,
    monthlyUsd,
    isMinimum: tb < prices.wasabiMinTb,
    exposureUsd: (monthlyUsd * prices.wasabiMinDays) / DAYS_OF_MONTH,
  }
}

/** What a short probe measured. */
export interface ProbeResult {
  readonly requests: number
  readonly bytes: number
  /** Summed over the requests, as if one followed the other. */
  readonly busyMs: number
}

/**
 * How long the files take with so many in flight, ms: a request costs a time of its own and a time per byte. Of what a probe of small files cannot
 * tell, the rate of large ones, it knows what the limit is: `bytesPerS`, null for none. Null when the probe measured nothing.
 */
export function timeEstimate(
  stored: Pick<Stored, 'files' | 'bytes'>,
  probe: { readonly small: ProbeResult; readonly large: ProbeResult | null },
  { concurrency, bytesPerS }: { readonly concurrency: number; readonly bytesPerS: number | null },
): number | null {
  const { small, large } = probe
  if (small.requests === 0) return null
  const smallMs = small.busyMs / small.requests
  const msPerByte = msPerByteOf(small, large)
  const perRequestMs = Math.max(0, smallMs - (msPerByte * small.bytes) / small.requests)
  const ms = (stored.files * perRequestMs + stored.bytes * msPerByte) / concurrency
  return Math.max(ms, bytesPerS === null ? 0 : (stored.bytes / bytesPerS) * 1000)
}

/** By the difference between small and large ones; all of a request's time is its bytes' where there is only one size. */
function msPerByteOf(small: ProbeResult, large: ProbeResult | null): number {
  const [smallBytes, smallMs] = [small.bytes / small.requests, small.busyMs / small.requests]
  if (large === null || large.requests === 0) return smallBytes === 0 ? 0 : smallMs / smallBytes
  const moreBytes = large.bytes / large.requests - smallBytes
  return moreBytes <= 0 ? 0 : Math.max(0, large.busyMs / large.requests - smallMs) / moreBytes
}
