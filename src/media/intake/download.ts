/** Where the bytes of a download go. */
export interface DownloadSink {
  /** One chunk at a time: the next comes when this has resolved. When it rejects, nothing more is read. */
  write(chunk: Uint8Array): Promise<void>
}

/**
 * What became of a download. `failed`: what the publisher, or the network, did, by the codes of feeds; also a Failure of the sink. `postponed`: nothing was
 * asked, since the host wants to be left alone.
 */
export type Downloaded =
  | { readonly kind: 'arrived' }
  | {
      readonly kind: 'failed'
      readonly failure: { readonly code: string; readonly message: string }
      readonly retryAfterS: number | null
    }
  | { readonly kind: 'postponed'; readonly retryAfterS: number }

/**
 * Fetches a URL under the rules that feeds are fetched by: guarded addresses at every hop, budgets of hosts, bounded time. No more than `maxBytes` are read,
 * nor handed over after decompression. Rejects with what the sink rejected with, unless that is a Failure, and with the signal's reason.
 */
export type Download = (
  url: string,
  sink: DownloadSink,
  bounds: { readonly maxBytes: number },
  signal: AbortSignal,
) => Promise<Downloaded>
