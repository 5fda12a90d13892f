import { onTestFinished } from 'vitest'
import type { FeedServer } from '../../../src/bench/feed-server/server.js'
import type { BinEnd } from '../bin-process.js'
import type { SyncJson } from '../installation.js'
import type { Site } from './site.js'

export interface SyncRun {
  readonly exit: BinEnd['exit']
  readonly report: SyncJson & { readonly duration_ms: number }
  readonly err: string
}

/** `sync --all` again and again, of feeds that have all published once more each time. */
export class Syncing {
  /** How often they have. */
  editions = 0
  private isOver = false
  private readonly runs: SyncRun[] = []
  private readonly loop: Promise<SyncRun[]>

  constructor(
    private readonly site: Site,
    private readonly server: FeedServer,
  ) {
    this.loop = this.go()
    // Heard of at the end.
    this.loop.catch(() => {})
    onTestFinished(() => {
      this.isOver = true
    })
  }

  /** Runs that have ended. */
  get count(): number {
    return this.runs.length
  }

  /** Resolves with every run when the present one has ended. */
  end(): Promise<SyncRun[]> {
    this.isOver = true
    return this.loop
  }

  private async go(): Promise<SyncRun[]> {
    while (!this.isOver) {
      this.server.advanceEdition()
      this.editions++
      this.runs.push(await syncAll(this.site))
    }
    return this.runs
  }
}

/** As a process of its own. */
export async function syncAll(site: Site): Promise<SyncRun> {
  const { exit, out, err } = await site.type(['sync', '--all', '--force', '--json', '--progress', 'none']).ended
  if (out === '') throw new Error(`sync printed no report: ${err}`)
  return { exit, report: JSON.parse(out) as SyncRun['report'], err }
}
