import { FairTurns } from '../fair.js'
import { carry } from './carry.js'
import { HOLD_BYTES } from './file-reader.js'
import type { Lane } from './lane.js'
import { JournalLost } from './lost.js'
import type { MigrationParts } from './parts.js'

/** Files that are read and journaled while those before them are uploaded. */
const AHEAD = 32
/** Of files that are held, those that are uploaded included. */
const HELD_BYTES = 64 * 1024 * 1024

/** Begins files, tenant by tenant in fair turns, as many as there is room for. */
export class Dispatcher {
  private readonly turns = new FairTurns<Lane>()
  private begun = 0
  private held = 0

  /** `fatal`: told what ends the run. */
  constructor(
    private readonly parts: MigrationParts,
    private readonly fatal: (error: unknown) => void,
    private readonly progress: () => void,
  ) {}

  add(lane: Lane): void {
    this.turns.add(lane)
    this.pump()
  }

  private pump(): void {
    // Many at a time cost less than one by one.
    if (this.begun > this.parts.slots.limit + AHEAD / 2) return
    while (this.begun < this.parts.slots.limit + AHEAD && this.held < HELD_BYTES && !this.parts.stop.aborted) {
      const lane = this.turns.next(({ nextBytes }) => nextBytes)
      const taken = lane?.take() ?? null
      if (lane === null || taken === null) return
      void this.begin(lane, taken)
    }
  }

  private async begin(lane: Lane, { row, done }: NonNullable<ReturnType<Lane['take']>>): Promise<void> {
    const bytes = Math.min(row.bytes, HOLD_BYTES)
    this.begun++
    this.held += bytes
    let left = false
    const leave = () => {
      if (left) return
      left = true
      this.begun--
      this.held -= bytes
      this.pump()
    }
    try {
      await carry(this.parts, { tenant: lane.tenant, journal: lane.journal, row, leave, isOver: () => lane.isStopped })
      this.progress()
    } catch (error) {
      if (error instanceof JournalLost) lane.fail(error)
      else if (error !== this.parts.stop.reason) this.fatal(error)
    } finally {
      done()
    }
  }
}
