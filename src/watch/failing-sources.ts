import type { Catalog } from '../tenants/catalog.js'

const LISTED = 20
const LONGEST_MESSAGE = 200

/** A source whose newest check failed. Times are epoch ms. */
export interface FailingSource {
  /** Without user, password and query, which may be somebody's key. */
  readonly url: string
  readonly code: string
  readonly message: string | null
  /** Checks in a row that failed. */
  readonly failures: number
  readonly checkedAt: number | null
  /** When its document last changed; null when none was ever read. */
  readonly changedAt: number | null
  readonly nextCheckAt: number
}

/** Those that have failed most often in a row, at most twenty; retired ones and those that were merged into others do not count. Dear where there are many sources. */
export async function readFailingSources({ kysely }: Catalog): Promise<FailingSource[]> {
  const rows = await kysely
    .selectFrom('sources')
    .select(['url', 'failure_code', 'failure_message', 'failure_count', 'checked_at', 'changed_at', 'next_check_at'])
    .where('failure_code', 'is not', null)
    .where('merged_into', 'is', null)
    .where('retired_at', 'is', null)
    .orderBy('failure_count', 'desc')
    .orderBy('id')
    .limit(LISTED)
    .execute()
  return rows.map(row => ({
    url: withoutKeys(row.url),
    code: row.failure_code ?? '',
    message: row.failure_message?.replace(/\bhttps?:\/\/\S+/g, withoutKeys).slice(0, LONGEST_MESSAGE) ?? null,
    failures: row.failure_count,
    checkedAt: row.checked_at,
    changedAt: row.changed_at,
    nextCheckAt: row.next_check_at,
  }))
}

function withoutKeys(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/?#@]*@/, '$1').replace(/\?.*$/s, '?…')
}
