import { onTestFinished } from 'vitest'
import type { Gates } from '../../../src/caches/index.js'
import { Fetcher, type FetcherOptions, type FetchOutcome } from '../../../src/feeds/fetch/fetcher.js'

export const NONE = { etag: null, lastModified: null }
export const calm = new AbortController().signal

/** A fetcher that may ask 127.0.0.1, closed with the test. */
export function openFetcher(options: Partial<FetcherOptions> = {}, gates: Gates | null = null): Fetcher {
  const fetcher = new Fetcher(
    {
      allow: ['127.0.0.1'],
      concurrency: 16,
      perHost: 8,
      timeoutMs: 5_000,
      maxBodyBytes: 1_000_000,
      maxRedirects: 5,
      userAgent: 'feedctl test',
      ...options,
    },
    gates,
  )
  onTestFinished(() => fetcher.close())
  return fetcher
}

/** One fetch by a fetcher of its own. */
export function fetchOnce(url: string, options: Partial<FetcherOptions> = {}): Promise<FetchOutcome> {
  return openFetcher(options).fetch(url, NONE, calm)
}

/** What an outcome comes to: the code of a failure, else its kind. */
export function verdictOf(outcome: FetchOutcome): string {
  return outcome.kind === 'failed' ? outcome.failure.code : outcome.kind
}
