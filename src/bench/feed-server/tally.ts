import type { ServerResponse } from 'node:http'

/** What a feed server was asked since the last reset; requests to its control are not in it. */
export interface FeedServerStats {
  readonly requests: number
  /** Answers 304. */
  readonly notModified: number
  /** Bytes of the bodies handed to the network, as sent (compressed); headers not included. */
  readonly bytes: number
  /** Requests by path, without the query. */
  readonly byPath: Readonly<Record<string, number>>
  /** Most requests open at the same time, from their arrival to the end of their answer. */
  readonly maxConcurrent: number
}

export class Tally {
  private requests = 0
  private notModified = 0
  private bytes = 0
  private byPath = new Map<string, number>()
  private open = 0
  private maxConcurrent = 0

  begin(path: string, response: ServerResponse): void {
    this.requests++
    this.byPath.set(path, (this.byPath.get(path) ?? 0) + 1)
    this.open++
    this.maxConcurrent = Math.max(this.maxConcurrent, this.open)
    response.once('close', () => {
      this.open--
    })
  }

  sawNotModified(): void {
    this.notModified++
  }

  sent(bytes: number): void {
    this.bytes += bytes
  }

  stats(): FeedServerStats {
    return {
      requests: this.requests,
      notModified: this.notModified,
      bytes: this.bytes,
      byPath: Object.fromEntries(this.byPath),
      maxConcurrent: this.maxConcurrent,
    }
  }

  /** Requests that are still open stay counted as open. */
  reset(): void {
    this.requests = 0
    this.notModified = 0
    this.bytes = 0
    this.byPath.clear()
    this.maxConcurrent = this.open
  }
}
