/** What an operator should know of a tenant's feed. It goes when a later document gives no reason for it. */
export interface FeedAlert {
  /** `GUID_CHURN`: the publisher gave posts that are stored new ids; they were not stored again. */
  readonly code: 'GUID_CHURN'
  readonly message: string
  /** When it was last seen, epoch ms. */
  readonly at: number
}

/** As the feed's row keeps it. */
export function churnAlert(held: number, entries: number, now: number): string {
  const message = `${held} of ${entries} entries are known posts under new ids; they were not stored again`
  return JSON.stringify({ code: 'GUID_CHURN', message, at: now } satisfies FeedAlert)
}

/** Null for a feed without one. */
export function readAlert(alert: string | null): FeedAlert | null {
  return alert === null ? null : (JSON.parse(alert) as FeedAlert)
}
