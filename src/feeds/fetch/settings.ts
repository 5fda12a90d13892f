import type { Config } from '../../kernel/config.js'
import type { FetcherOptions } from './fetcher.js'
import { userAgentWith } from './user-agent.js'

/** What the settings say about fetching. @throws {Failure} CONFIG_INVALID */
export function fetcherOptions(config: Config): FetcherOptions {
  return {
    allow: config.fetchAllow,
    concurrency: config.fetchConcurrency,
    perHost: config.fetchPerHost,
    hostRate: config.fetchHostRate,
    timeoutMs: config.fetchTimeoutMs,
    maxBodyBytes: config.fetchMaxBytes,
    maxRedirects: config.fetchMaxRedirects,
    proxy: config.fetchProxy,
    userAgent: userAgentWith(config.userAgent, config.contactUrl),
  }
}
