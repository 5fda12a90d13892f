import { totalmem } from 'node:os'
import type { WorkerCard } from '../board.js'

const SHARE_OF_MEMORY = 0.75
const MEBIBYTE = 1024 * 1024
/** What a worker takes before those that there are have grown to what they come to. */
export const YOUNG_WORKER_BYTES = 160 * MEBIBYTE
const HALF_LIFE_MS = 1_800_000

/** Memory that the workers may take together, bytes: what is set, else three quarters of the machine, or of what its container may use. */
export function memoryForWorkers(setMb: number | null, machine = machineBytes()): number {
  return setMb === null ? machine * SHARE_OF_MEMORY : setMb * MEBIBYTE
}

/**
 * What one worker takes. Workers grow for a while after their start: by the mean of the moment new ones would seem to make room for more.
 * So the highest mean counts, and is forgotten over hours.
 */
export class WorkerMemory {
  private peak = 0
  private at: number | null = null

  /** Bytes, after another look at the cards; `now` is ms of a clock that never goes back. */
  look(now: number, cards: readonly Pick<WorkerCard, 'rssBytes'>[]): number {
    const mean = cards.length === 0 ? 0 : cards.reduce((sum, card) => sum + card.rssBytes, 0) / cards.length
    const left = this.at === null ? 0 : 0.5 ** (Math.max(0, now - this.at) / HALF_LIFE_MS)
    this.at = now
    this.peak = Math.max(mean, mean + (this.peak - mean) * left)
    return Math.max(YOUNG_WORKER_BYTES, this.peak)
  }
}

function machineBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
