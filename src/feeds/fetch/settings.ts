import type { Config } from '../../kernel/config.js'
import type { FetcherOptions } from './fetcher.js'

/** What the settings say about fetching. */
export function fetcherOptions(config: Config): FetcherOptions {
  return {
    allow: config.fetchAllow,
    concurrency: config.fetchConcurrency,
    perHost: config.fetchPerHost,
    timeoutMs: config.fetchTimeoutMs,
    maxBodyBytes: config.fetchMaxBytes,
    maxRedirects: config.fetchMaxRedirects,
    userAgent: config.userAgent,
  }
}
