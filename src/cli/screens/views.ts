import type { Overview } from '../../watch/overview.js'
import type { Section } from './arrange.js'
import { failureSection } from './failure-rows.js'
import { type Place, type Row, selectedRow, type View } from './keys.js'
import type { Look } from './look.js'
import { queueSection } from './queue-rows.js'
import { alertSection, factSection, runSection, supervisorSections } from './run-rows.js'
import { failingKey, slowKey, tenantSections, tenantsBeside } from './tenant-rows.js'
import { workerJobsSection, workerSection } from './worker-rows.js'

/** The rows of a view that can be selected, from the top. */
export function rowsOf(view: View, overview: Overview): Row[] {
  if (view === 'workers') return overview.workers.map(({ id }) => ({ kind: 'worker', key: id }))
  if (view === 'tenants') {
    const { mostFailing, slowest } = overview.tenants
    return [
      ...mostFailing.map(tenant => ({
        kind: 'tenant' as const,
        key: failingKey(tenant),
        tenantId: tenant.id,
        slug: tenant.slug,
      })),
      ...slowest.map(tenant => ({ kind: 'tenant' as const, key: slowKey(tenant), tenantId: tenant.id, slug: tenant.slug })),
    ]
  }
  if (view === 'run') return []
  return overview.queues.map(({ name, paused }) => ({ kind: 'queue', key: name, queue: name, paused }))
}

/** What a view shows, from the top. */
export function sectionsOf(place: Place, reading: Omit<Look, 'selected'>): Section[] {
  const row = selectedRow(place, rowsOf(place.view, reading.overview))
  const look: Look = { ...reading, selected: row?.key ?? null }
  switch (place.view) {
    case 'overview':
      return [factSection(look), queueSection(look, false), workerSection(look, false), tenantsBeside(look)]
    case 'queues':
      return [queueSection(look, true), ...(row?.kind === 'queue' ? [failureSection(look, row.queue)] : [])]
    case 'workers': {
      const worker = look.overview.workers.find(({ id }) => id === row?.key)
      return [workerSection(look, true), ...(worker === undefined ? [] : [workerJobsSection(worker, look)])]
    }
    case 'tenants':
      return tenantSections(look)
    case 'run':
      return [alertSection(look), runSection(look), ...supervisorSections(look)]
  }
}
