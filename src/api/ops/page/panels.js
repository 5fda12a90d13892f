import { bar, el, facts, nothing, table } from './elements.js'
import { bytes, count, counted, duration, moment, percent, rate, since } from './figures.js'
import { sparkline } from './history.js'

const PHASES = { mvp: 'MVP', growth: 'Growth', scale: 'Scale', enterprise: 'Enterprise' }
const STATES = ['active', 'provisioning', 'suspended', 'deleting']

export function phasePanel({ name, tenants, limit, used_percent: used, next }) {
  const label = PHASES[name]
  const words = limit === null ? `${counted(tenants, 'tenant')}, no limit` : `${count(tenants)} of ${counted(limit, 'tenant')}`
  const kind = used !== null && used >= 90 ? 'warn' : 'plain'
  const title = next === null ? null : `The guide's next phase, ${PHASES[next]}, begins beyond ${count(limit)}`
  return [
    el('p', { title }, [el('strong', { text: `${label} phase` }), el('span', { class: 'muted', text: ` ${words}` })]),
    bar(used === null ? 1 : used / 100, kind, used === null ? `${label} phase, which has no limit` : `${label} phase used`),
  ]
}

export function tiles(tellings) {
  return tellings.map(({ key, name, value, more, kind }) =>
    el('div', { class: 'tile', 'data-kind': kind, 'data-tile': key }, [
      el('p', { class: 'muted', text: name }),
      el('p', { class: 'figure', text: value }),
      el('p', { class: 'muted more', text: more }),
      sparkline(key, name),
    ]),
  )
}

/** `failing`: tenants whose newest sync failed, be it for some of the feeds only. */
export function runPanel({ run, failing }) {
  if (run === null) return [nothing('No sync has run yet.', 'feedctl sync --all begins one, and so does the schedule.')]
  const { total, ended, running, failed, finished_at: finishedAt, started_at: startedAt, scheduled, id } = run
  const share = total === 0 ? 1 : ended / total
  const isLive = finishedAt === null
  const words = isLive ? `${count(ended)} of ${counted(total, 'tenant')} done` : `${counted(total, 'tenant')} done`
  const isBad = failed > 0 || failing > 0
  const began = isLive ? since(startedAt) : duration(Date.parse(finishedAt) - Date.parse(startedAt))
  return [
    el('p', { class: 'lead' }, [
      el('span', {
        class: 'pill',
        'data-state': isLive ? 'live' : isBad ? 'warn' : 'ok',
        text: isLive ? 'running' : 'ended',
      }),
      el('strong', { text: words }),
      el('span', { class: isBad ? 'bad' : 'muted', text: failureWords(failed, failing) }),
    ]),
    bar(share, isLive ? 'live' : isBad ? 'warn' : 'ok', 'Tenants done'),
    facts([
      [isLive ? 'Runs for' : 'Took', began],
      ['Under way', count(isLive ? running : 0)],
      ['Ended', isLive ? 'not yet' : moment(finishedAt)],
      ['Begun by', scheduled ? 'the schedule' : 'a command'],
      ['Run', el('code', { text: id })],
    ]),
  ]
}

function failureWords(failed, failing) {
  if (failed > 0) return `${count(failed)} failed`
  return failing > 0 ? `none failed as a whole, feeds of ${counted(failing, 'tenant')} did` : 'none failed'
}

export function alertsPanel(alerts) {
  if (alerts.length === 0) return [nothing('No alert stands.')]
  return [
    el(
      'ul',
      { class: 'list' },
      alerts.map(({ name, message, since: began }) =>
        el('li', {}, [
          el('p', {}, [
            el('strong', { class: 'bad', text: name }),
            ' ',
            el('span', { class: 'muted' }, [moment(began, 'since ')]),
          ]),
          el('p', { text: message }),
        ]),
      ),
    ),
  ]
}

export function workersPanel({ driver, workers, supervisors }) {
  if (driver === 'sync') {
    return [
      nothing(
        'There are no workers.',
        'QUEUE_CONNECTION is sync: jobs run in the command that begins them, or in feedctl schedule run.',
      ),
    ]
  }
  if (workers.total === 0)
    return [nothing('Nobody works.', 'feedctl queue supervise starts workers, and keeps as many as are needed.')]
  const more = workers.total - workers.shown.length
  return [
    el('div', { class: 'pair' }, supervisors.map(supervisorCard)),
    table('Workers', WORKER_COLUMNS, workers.shown),
    more > 0 ? el('p', { class: 'muted', text: `and ${counted(more, 'worker')} more` }) : null,
  ]
}

function supervisorCard({ host, pid, state, min, max, ceiling, workers, started_at: startedAt, scalings }) {
  const bound = ceiling < max ? `, ${count(ceiling)} by its budgets` : ''
  const [newest] = scalings
  return el('div', { class: 'inset' }, [
    el('p', {}, [statePill(state), el('strong', { text: ` Supervisor ${host}:${pid}` })]),
    el('p', { text: `${counted(workers, 'worker')}, ${count(min)} to ${count(max)}${bound}` }),
    el('p', { class: 'muted' }, ['runs for ', since(startedAt)]),
    newest === undefined
      ? null
      : el('p', { class: 'muted' }, [`${count(newest.from)} → ${count(newest.to)} `, moment(newest.at), `: ${newest.why}`]),
  ])
}

const WORKER_COLUMNS = [
  { name: 'Process', of: ({ host, pid }) => el('span', { class: 'wrap', text: `${host}:${pid}` }) },
  { name: 'State', of: ({ state }) => statePill(state) },
  {
    name: 'Queues',
    of: ({ queues }) =>
      el('span', { class: 'wrap', text: queues.map(({ name, active, slots }) => `${name} ${active}/${slots}`).join(', ') }),
  },
  {
    name: 'Jobs/s',
    kind: 'number',
    of: ({ queues }) => rate(queues.reduce((sum, queue) => sum + queue.per_s, 0)).replace('/s', ''),
  },
  { name: 'Memory', kind: 'number', of: ({ rss_bytes: rss }) => bytes(rss) },
  { name: 'Runs for', kind: 'number', of: ({ started_at: startedAt }) => since(startedAt) },
]

function statePill(state) {
  const kind = state === 'working' ? 'ok' : state === 'draining' ? 'unknown' : 'warn'
  return el('span', { class: 'pill', 'data-state': kind, text: state })
}

export function tenantsPanel({ states, placements, paused, failing, synced_at: syncedAt }) {
  const total = STATES.reduce((sum, state) => sum + states[state], 0)
  if (total === 0) return [nothing('There is no tenant yet.', 'feedctl tenant create acme makes one.')]
  const kinds = STATES.filter(state => states[state] > 0)
  return [
    stack(
      kinds.map(state => ({ name: state, value: states[state], kind: state })),
      total,
      'Tenants by state',
    ),
    el('h3', { text: 'Where they live' }),
    ...placements.map(({ kind, host, tenants }) =>
      el('div', { class: 'row' }, [
        el('p', {}, [
          el('span', { class: 'wrap', text: `${kind} on ${host}` }),
          el('span', { class: 'number', text: count(tenants) }),
        ]),
        bar(tenants / total, 'plain', `${kind} on ${host}, share of the tenants`),
      ]),
    ),
    facts([
      ['Paused', count(paused)],
      ['Newest sync fails', el('span', { class: failing > 0 ? 'bad' : null, text: count(failing) })],
      ['Last synced', syncedAt === null ? 'never' : moment(syncedAt)],
    ]),
  ]
}

function stack(parts, total, label) {
  const words = parts.map(({ name, value }) => `${value} ${name}`).join(', ')
  return el('div', {}, [
    el(
      'div',
      { class: 'stack', role: 'img', 'aria-label': `${label}: ${words}` },
      parts.map(({ value, kind }) => {
        const part = el('span', { 'data-kind': kind })
        part.style.flexGrow = String(Math.max(value / total, 0.01))
        return part
      }),
    ),
    el(
      'ul',
      { class: 'legend' },
      parts.map(({ name, value, kind }) =>
        el('li', { 'data-kind': kind }, [el('span', { text: name }), el('strong', { text: count(value) })]),
      ),
    ),
  ])
}

const OF_ALL = 'By all processes of this feedctl serve, over the last ten seconds'

export function trafficPanel({ api, analytics }) {
  const { backlog } = analytics
  const waits =
    backlog === null
      ? 'not measured'
      : backlog.batches === 0
        ? 'nothing waits'
        : `${counted(backlog.batches, 'batch').replace(/batchs$/, 'batches')}, ${bytes(backlog.bytes)}`
  return [
    el('h3', { text: 'API' }),
    facts([
      ['Requests', rate(api.requests_per_s), OF_ALL],
      ['Errors (5xx)', rate(api.errors_per_s), OF_ALL],
      ['From the cache', percent(api.hit_ratio), 'Share of the answers that were ready to send'],
      [
        '95 % take at most',
        api.p95_ms === null ? 'not measured' : duration(api.p95_ms),
        'Of the requests that were not answered from the cache',
      ],
    ]),
    el('h3', { text: 'Analytics' }),
    facts([
      ['Accepted', rate(analytics.accepted_per_s), OF_ALL],
      ['Refused', rate(analytics.refused_per_s), OF_ALL],
      ['Wait to be counted', waits],
      ['Oldest of them', backlog === null || backlog.oldest_at === null ? 'none' : moment(backlog.oldest_at)],
    ]),
  ]
}
