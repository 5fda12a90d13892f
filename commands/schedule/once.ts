import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import type { SyncReport } from '../../src/feeds/report.js'
import { Failure } from '../../src/kernel/errors.js'

/** What the syncs came to that this process has begun since then (epoch ms); null when nothing was due. */
export async function syncsSince(app: App, io: Io, since: number): Promise<SyncReport | null> {
  const { sumScheduled } = await import('../../src/feeds/scheduled-report.js')
  return sumScheduled(app.catalog, since, io.signal.aborted ? 'skipped' : 'failed')
}

export function syncWords({ tenants, feeds, posts }: SyncReport): string {
  const failed = `${counted(tenants.failed, 'tenant')} and ${counted(feeds.failed, 'feed')} failed`
  return `  synced ${counted(tenants.ok, 'tenant')}, ${counted(posts.new, 'new post')}; ${failed}`
}

/** The exit status is that of the commands which do the same one by one. @throws {Failure} PARTIAL, UNAVAILABLE */
export function refuseFailures(
  entries: readonly { readonly id: string; readonly failed: number }[],
  sync: SyncReport | null,
): void {
  const failing = entries.filter(entry => entry.failed > 0)
  if (failing.length > 0) {
    const which = failing.map(({ id, failed }) => `${counted(failed, 'job')} of ${id}`).join(', ')
    throw new Failure('PARTIAL', `failed: ${which}`, { hint: 'feedctl queue failed, and the log above; what was done stays' })
  }
  if (sync === null) return
  if (sync.tenants.failed > 0) {
    throw new Failure('PARTIAL', `${sync.tenants.failed} of ${sync.tenants.total} tenants failed`, {
      hint: 'feedctl queue failed',
    })
  }
  if (sync.outage.feeds > 0) {
    throw new Failure('UNAVAILABLE', `publishers cannot be reached from here: ${counted(sync.outage.feeds, 'feed')} not asked`, {
      hint: 'look at the network and DNS of this machine',
    })
  }
  if (sync.feeds.failed > 0) {
    throw new Failure('PARTIAL', `${sync.feeds.failed} of ${sync.feeds.total} feeds failed`, {
      hint: 'feedctl feed list <tenant> shows why and when each is asked next',
    })
  }
}
