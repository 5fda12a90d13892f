/** A span of time, its ends included, epoch ms. */
export interface Span {
  readonly firstAt: number
  readonly lastAt: number
}

/**
 * The most that is found of spans that share a moment: each set of spans that are there together is measured once. What follows one another, as a server and
 * what it is after a restart, is never together.
 */
export function mostAtOnce<S extends Span>(spans: readonly S[], measure: (together: readonly S[]) => number): number {
  // A set only grows where a span begins.
  const sets = spans.map(({ firstAt }) => spans.filter(each => each.firstAt <= firstAt && firstAt <= each.lastAt))
  return Math.max(0, ...sets.map(measure))
}
