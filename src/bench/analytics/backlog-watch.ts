import { openApp } from '../../app.js'
import { Log } from '../../kernel/log.js'
import type { Place } from '../sync/place.js'

const LOOK_EVERY_MS = 500

export interface BacklogPeak {
  readonly batches: number
  readonly bytes: number
}

export interface BacklogWatch {
  /** Batches that wait to be counted, as it was up to a second ago. @throws {Failure} UNAVAILABLE */
  waiting(): Promise<number>
  close(): Promise<BacklogPeak>
}

/** Looks at how much waits to be counted, until it is closed. */
export async function watchBacklog(place: Place): Promise<BacklogWatch> {
  const app = await openApp(place.config, new Log(() => {}, 'error'))
  const events = await app.events()
  const peak = { batches: 0, bytes: 0 }
  let looking = Promise.resolve()
  const look = async () => {
    const { batches, bytes } = await events.backlog()
    peak.batches = Math.max(peak.batches, batches)
    peak.bytes = Math.max(peak.bytes, bytes)
  }
  const timer = setInterval(() => {
    // One that fails says nothing of the others.
    looking = looking.then(look).catch(() => {})
  }, LOOK_EVERY_MS)
  return {
    waiting: async () => (await events.backlog()).batches,
    async close() {
      clearInterval(timer)
      await looking
      await app[Symbol.asyncDispose]()
      return peak
    },
  }
}
