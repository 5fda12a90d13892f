/** What a copy of a file is told apart by. */
export interface Validators {
  /** Strong, quoted. */
  readonly etag: string
  /** Epoch ms. */
  readonly modifiedAt: number
}

/** The request's headers that ask for an answer only under a condition. */
export interface Conditions {
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: string | undefined
  readonly ifRange?: string | undefined
}

/** Whether the client has the file as it is: 304. An ETag counts before a date (RFC 9110, 13.2.2). */
export function isNotModified(conditions: Conditions, validators: Validators): boolean {
  const { ifNoneMatch, ifModifiedSince } = conditions
  if (ifNoneMatch !== undefined) return ifNoneMatch.trim() === '*' || etagsIn(ifNoneMatch).includes(validators.etag)
  if (ifModifiedSince === undefined) return false
  return wholeSeconds(validators.modifiedAt) <= Date.parse(ifModifiedSince)
}

/** Whether a range may be answered with a part: the client's other parts are of this same file. A date counts only when nothing can have changed since within its second. */
export function isSameForRange(ifRange: string | undefined, validators: Validators, now: number): boolean {
  if (ifRange === undefined) return true
  if (/^(W\/)?"/.test(ifRange.trim())) return ifRange.trim() === validators.etag
  const modifiedAt = wholeSeconds(validators.modifiedAt)
  return Date.parse(ifRange) === modifiedAt && now - modifiedAt >= 2000
}

/** Weak and strong are compared alike. */
function etagsIn(list: string): string[] {
  return list.match(/"[^"]*"/g) ?? []
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}
