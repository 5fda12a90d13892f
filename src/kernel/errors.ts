/** Every refusal feedctl knows: its exit status, its HTTP status, and whether trying again later can help. A retired code is never reused. */
export const FAILURES = {
  USAGE: { exit: 2, http: 400, retry: false },
  CONFIG_INVALID: { exit: 3, http: 500, retry: false },
  SCHEMA_MISSING: { exit: 3, http: 500, retry: false },
  SCHEMA_NEWER: { exit: 3, http: 500, retry: false },
  SCHEMA_BEHIND: { exit: 5, http: 503, retry: true },
  SLUG_INVALID: { exit: 2, http: 400, retry: false },
  FOLDER_TAKEN: { exit: 4, http: 409, retry: false },
  FILE_UNREADABLE: { exit: 4, http: 400, retry: false },
  FILE_EXISTS: { exit: 4, http: 409, retry: false },
  TENANT_NOT_FOUND: { exit: 4, http: 404, retry: false },
  TENANT_EXISTS: { exit: 4, http: 409, retry: false },
  TENANT_WRONG_STATE: { exit: 4, http: 409, retry: false },
  DATABASE_TAKEN: { exit: 4, http: 409, retry: false },
  HOST_NOT_FOUND: { exit: 4, http: 404, retry: false },
  HOST_EXISTS: { exit: 4, http: 409, retry: false },
  HOST_INVALID: { exit: 4, http: 400, retry: false },
  HOST_FULL: { exit: 4, http: 409, retry: false },
  HOST_IN_USE: { exit: 4, http: 409, retry: false },
  TENANT_MOVING: { exit: 5, http: 503, retry: true },
  TENANT_MOVED: { exit: 5, http: 503, retry: true },
  MOVE_REFUSED: { exit: 4, http: 409, retry: false },
  MOVE_NOT_FOUND: { exit: 4, http: 404, retry: false },
  MOVE_MISMATCH: { exit: 8, http: 500, retry: false },
  EXPORT_INVALID: { exit: 4, http: 422, retry: false },
  RECEIPT_NOT_FOUND: { exit: 4, http: 404, retry: false },
  DB_USER_REFUSED: { exit: 4, http: 409, retry: false },
  MIGRATION_FAILED: { exit: 4, http: 500, retry: false },
  RUN_NOT_FOUND: { exit: 4, http: 404, retry: false },
  CONFIRMATION_NEEDED: { exit: 2, http: 400, retry: false },
  CSV_INVALID: { exit: 4, http: 400, retry: false },
  FEED_NOT_FOUND: { exit: 4, http: 404, retry: false },
  FEED_EXISTS: { exit: 4, http: 409, retry: false },
  URL_INVALID: { exit: 4, http: 400, retry: false },
  FEED_NOT_DISCOVERED: { exit: 4, http: 404, retry: false },
  FEEDS_TOO_MANY: { exit: 4, http: 409, retry: false },
  OPML_INVALID: { exit: 4, http: 400, retry: false },
  OPML_TOO_LARGE: { exit: 4, http: 413, retry: false },
  ADDRESS_REFUSED: { exit: 4, http: 400, retry: false },
  FEED_UNREADABLE: { exit: 4, http: 502, retry: false },
  FEED_EMPTY: { exit: 4, http: 502, retry: false },
  FEED_NOT_A_FEED: { exit: 4, http: 502, retry: false },
  FEED_TOO_LARGE: { exit: 4, http: 502, retry: false },
  FEED_TIMEOUT: { exit: 5, http: 504, retry: true },
  FEED_UNREACHABLE: { exit: 5, http: 502, retry: true },
  FEED_CUT: { exit: 5, http: 502, retry: true },
  FEED_GONE: { exit: 4, http: 502, retry: false },
  FEED_HTTP_STATUS: { exit: 4, http: 502, retry: true },
  FEED_CHALLENGED: { exit: 4, http: 502, retry: true },
  FEED_LIMITED: { exit: 5, http: 503, retry: true },
  FEED_REDIRECTS: { exit: 4, http: 502, retry: false },
  FEED_ENCODING: { exit: 4, http: 502, retry: false },
  FEED_UNSTORABLE: { exit: 4, http: 500, retry: false },
  UNAVAILABLE: { exit: 5, http: 503, retry: true },
  NO_WORKER: { exit: 5, http: 503, retry: true },
  UNKNOWN_JOB: { exit: 4, http: 500, retry: false },
  JOB_NOT_FOUND: { exit: 4, http: 404, retry: false },
  JOB_TIMEOUT: { exit: 5, http: 504, retry: true },
  JOB_QUARANTINED: { exit: 4, http: 409, retry: false },
  REDIS_FULL: { exit: 5, http: 503, retry: true },
  ROUTE_NOT_FOUND: { exit: 4, http: 404, retry: false },
  POST_NOT_FOUND: { exit: 4, http: 404, retry: false },
  CURSOR_INVALID: { exit: 2, http: 400, retry: false },
  BODY_INVALID: { exit: 4, http: 400, retry: false },
  BODY_TOO_LARGE: { exit: 4, http: 413, retry: false },
  BODY_TYPE: { exit: 4, http: 415, retry: false },
  METHOD_NOT_ALLOWED: { exit: 4, http: 405, retry: false },
  HEADERS_TOO_LARGE: { exit: 4, http: 431, retry: false },
  REQUEST_TIMEOUT: { exit: 5, http: 408, retry: true },
  RATE_LIMITED: { exit: 5, http: 429, retry: true },
  EVENTS_INVALID: { exit: 4, http: 422, retry: false },
  EVENTS_BEHIND: { exit: 5, http: 503, retry: true },
  LOGIN_REFUSED: { exit: 4, http: 401, retry: false },
  LOGIN_LOCKED: { exit: 5, http: 429, retry: true },
  SESSION_INVALID: { exit: 4, http: 401, retry: false },
  FORM_INVALID: { exit: 4, http: 403, retry: false },
  TOKEN_INVALID: { exit: 4, http: 401, retry: false },
  LINK_INVALID: { exit: 4, http: 403, retry: false },
  LINK_EXPIRED: { exit: 4, http: 410, retry: false },
  MEDIA_NOT_FOUND: { exit: 4, http: 404, retry: false },
  MEDIA_REFUSED: { exit: 4, http: 422, retry: false },
  MEDIA_EMPTY: { exit: 4, http: 502, retry: false },
  MEDIA_TIMEOUT: { exit: 5, http: 504, retry: true },
  MEDIA_UNREACHABLE: { exit: 5, http: 502, retry: true },
  MEDIA_CUT: { exit: 5, http: 502, retry: true },
  MEDIA_GONE: { exit: 4, http: 502, retry: false },
  MEDIA_HTTP_STATUS: { exit: 4, http: 502, retry: true },
  MEDIA_CHALLENGED: { exit: 4, http: 502, retry: true },
  MEDIA_LIMITED: { exit: 5, http: 503, retry: true },
  MEDIA_REDIRECTS: { exit: 4, http: 502, retry: false },
  MEDIA_ENCODING: { exit: 4, http: 502, retry: false },
  MEDIA_NAME_INVALID: { exit: 4, http: 400, retry: false },
  MEDIA_UNREADABLE: { exit: 4, http: 500, retry: false },
  MEDIA_CHANGED: { exit: 5, http: 409, retry: true },
  MEDIA_CORRUPT: { exit: 8, http: 500, retry: false },
  DISK_FULL: { exit: 5, http: 507, retry: true },
  BUCKET_NOT_FOUND: { exit: 4, http: 500, retry: false },
  BUCKET_REFUSED: { exit: 4, http: 500, retry: false },
  BUDGET_EXCEEDED: { exit: 4, http: 402, retry: false },
  PARTIAL: { exit: 6, http: 502, retry: true },
  LOCKED: { exit: 7, http: 409, retry: true },
  CHECK_FAILED: { exit: 8, http: 500, retry: false },
  INTERRUPTED: { exit: 130, http: 503, retry: true },
} as const

export type FailureCode = keyof typeof FAILURES

/** A refusal with a stable code. Anything else that is thrown is a bug in feedctl and is shown with its stack. */
export class Failure extends Error {
  readonly code: FailureCode
  /** The command or setting that helps; null when there is none. */
  readonly hint: string | null
  /** When the same call may succeed, seconds; null when nobody knows. */
  readonly retryAfterS: number | null

  constructor(code: FailureCode, message: string, options: { hint?: string; cause?: unknown; retryAfterS?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Failure'
    this.code = code
    this.hint = options.hint ?? null
    this.retryAfterS = options.retryAfterS ?? null
  }

  get exit(): number {
    return FAILURES[this.code].exit
  }

  /** Whether the same call may succeed later without anyone changing anything. */
  get retry(): boolean {
    return FAILURES[this.code].retry
  }

  toJSON(): { code: FailureCode; message: string; hint: string | null } {
    return { code: this.code, message: this.message, hint: this.hint }
  }
}

export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code)
}

/** BUG: what is none of feedctl's refusals. */
export function codeOf(error: unknown): FailureCode | 'BUG' {
  return isFailure(error) ? error.code : 'BUG'
}

/** Keeps the first bug that one of many deeds met, for when all of them are done. */
export class FirstBug {
  private met: { readonly error: unknown } | null = null

  readonly hear = (error: unknown): void => {
    this.met ??= { error }
  }

  throwIfMet(): void {
    if (this.met !== null) throw this.met.error
  }
}

/** The words of anything that was thrown; an AggregateError without words of its own speaks with its first cause's. */
export function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0) return wordsOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
