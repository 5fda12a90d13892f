import type { SyncJobs } from '../src/app.js'
import type { Io } from '../src/cli/io.js'

const SHOWN_EVERY_MS = 500

/**
 * Waits until the media that is to be stored in this process is stored, or the command is told to stop: whatever is left then is stored by the next sync. Says
 * nothing where there is none.
 */
export async function storingMedia(media: SyncJobs['media'], io: Io): Promise<void> {
  const settled = media.settled().then(() => true)
  const hasNone = await Promise.race([settled, new Promise<false>(resolve => setImmediate(resolve, false))])
  if (hasNone) return
  const progress = io.progress('media', 'files')
  progress.start(0)
  const timer = setInterval(() => progress.update(media.tried()), SHOWN_EVERY_MS)
  const isStored = await Promise.race([settled, stopped(io.signal)])
  clearInterval(timer)
  progress.update(media.tried())
  progress.stop()
  if (!isStored) io.note('stopped: the next sync stores the media that is left')
}

function stopped(signal: AbortSignal): Promise<false> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(false)
    else signal.addEventListener('abort', () => resolve(false), { once: true })
  })
}
