import { el, nothing, table } from './elements.js'
import { count, counted, duration, moment, rate } from './figures.js'
import { sparkline } from './history.js'

const QUEUE_COLUMNS = [
  {
    name: 'Queue',
    of: ({ name, paused }) =>
      el('span', {}, [name, paused ? el('span', { class: 'pill', 'data-state': 'warn', text: 'paused' }) : null]),
  },
  { name: 'Waiting', kind: 'number', of: ({ waiting }) => count(waiting) },
  { name: 'Lately', kind: 'chart', of: ({ name }) => sparkline(`queue ${name} waiting`, `${name}: waiting`) },
  { name: 'Active', kind: 'number', of: ({ active }) => count(active) },
  { name: 'Delayed', kind: 'number extra', of: ({ delayed }) => count(delayed) },
  { name: 'Failed', kind: 'number', of: ({ failed }) => el('span', { class: failed > 0 ? 'bad' : null, text: count(failed) }) },
  { name: 'Oldest wait', kind: 'number', of: ({ oldest_wait_ms: ms }) => (ms === 0 ? 'none' : duration(ms)) },
  { name: 'Rate', kind: 'number', of: ({ processed_per_s: perS }) => rate(perS) },
  { name: 'A job takes', kind: 'number extra', of: ({ mean_job_ms: ms }) => (ms === null ? 'unknown' : duration(ms)) },
  { name: 'Workers', kind: 'number', of: ({ workers }) => count(workers) },
]
const OF_WORKERS = new Set(['Delayed', 'Rate', 'A job takes', 'Workers'])

export function queuesPanel({ driver, queues }) {
  const columns = driver === 'sync' ? QUEUE_COLUMNS.filter(({ name }) => !OF_WORKERS.has(name)) : QUEUE_COLUMNS
  const shown =
    driver === 'sync'
      ? queues.filter(({ name, waiting, active, failed }) => name === 'sync' || waiting + active + failed > 0)
      : queues
  const words =
    'No queue is kept (QUEUE_CONNECTION is sync): each command runs its own jobs. What waits and what is active are tenants of the runs under way; failed are tenants whose newest sync failed as a whole.'
  return [table('Queues', columns, shown), driver === 'sync' ? el('p', { class: 'muted', text: words }) : null]
}

const TENANT_COLUMNS = [
  {
    name: 'Tenant',
    of: ({ slug, name }) =>
      el('span', { class: 'two' }, [el('span', { class: 'wrap', text: name }), el('code', { class: 'muted', text: slug })]),
  },
  {
    name: 'What',
    of: ({ sync_failures: failures, feeds_failed: feeds, sync_ms: ms }) => {
      if (failures > 0)
        return el('span', { class: 'bad calm', text: `failed ${failures === 1 ? 'once' : `${count(failures)} times`}` })
      if (feeds > 0) return el('span', { class: 'bad calm', text: `${counted(feeds, 'feed')} failed` })
      return `took ${duration(ms ?? 0)}`
    },
  },
  { name: 'Synced', kind: 'number', of: ({ synced_at: at }) => moment(at) },
]

export function tenantsToLookAt({ most_failing: failing, slowest }) {
  if (failing.length === 0 && slowest.length === 0) return [nothing('No tenant was synced yet.')]
  const known = new Set(failing.map(({ slug }) => slug))
  const slow = slowest.filter(({ slug }) => !known.has(slug)).map(tenant => ({ ...tenant, sync_failures: 0, feeds_failed: 0 }))
  return [
    el('div', { class: 'pair' }, [
      el('div', {}, [
        el('h3', { text: 'Fail most' }),
        failing.length === 0 ? nothing('None fails.') : table('Tenants that fail most', TENANT_COLUMNS, failing.slice(0, 6)),
      ]),
      slow.length === 0
        ? null
        : el('div', {}, [
            el('h3', { text: failing.length === 0 ? 'Take longest' : 'Of the others, take longest' }),
            table('Tenants that take longest', TENANT_COLUMNS, slow.slice(0, 6)),
          ]),
    ]),
  ]
}

const SOURCE_COLUMNS = [
  {
    name: 'Source',
    of: ({ url, message }) =>
      el('span', { class: 'two' }, [
        el('span', { class: 'wrap url', text: url }),
        el('span', { class: 'muted wrap', text: message ?? '' }),
      ]),
  },
  { name: 'Why', of: ({ code }) => el('code', { class: 'bad', text: code }) },
  { name: 'In a row', kind: 'number', of: ({ failures }) => count(failures) },
  { name: 'Asked', kind: 'number', of: ({ checked_at: at }) => moment(at) },
  { name: 'Last news', kind: 'number extra', of: ({ changed_at: at }) => moment(at) },
  { name: 'Asked again', kind: 'number extra', of: ({ next_check_at: at }) => moment(at) },
]

export function sourcesPanel({ total, failing, due, retired, failures, listed, read_at: readAt }) {
  const words = `${count(failing)} of ${counted(total, 'source')} fail, ${count(due)} due, ${count(retired)} retired`
  const lead = el('p', { class: 'lead muted' }, [el('span', {}, [`${words} · `, moment(readAt, 'read ')])])
  if (total === 0) return [nothing('There are no sources yet.')]
  if (listed.length === 0) return [lead, nothing('No source fails.')]
  const reasons = failures.map(({ code, sources }) =>
    el('li', {}, [el('code', { text: code }), ' ', el('strong', { text: count(sources) })]),
  )
  return [
    lead,
    el('ul', { class: 'legend' }, reasons),
    table('Sources that fail', SOURCE_COLUMNS, listed),
    failing > listed.length
      ? el('p', { class: 'muted', text: `The ${listed.length} that have failed most often in a row.` })
      : null,
  ]
}
