import { Connection } from './connection.js'
import { draw, say } from './elements.js'
import { bytes, clock, count, counted, passTime, percent, rate, setNow } from './figures.js'
import { remember } from './history.js'
import { alertsPanel, phasePanel, runPanel, tenantsPanel, tiles, trafficPanel, workersPanel } from './panels.js'
import { queuesPanel, sourcesPanel, tenantsToLookAt } from './tables.js'

/** What the charts show is drawn anew so often, ms: their points come every second. */
const CHART_MS = 2_000

const byId = id => document.getElementById(id)

function show(overview) {
  setNow(overview.at)
  const at = Date.parse(overview.at)
  const { installation, health, tenants, driver } = overview
  const told = tellingsOf(overview)
  for (const { key, point } of told) remember(key, at, point)
  for (const { name, waiting } of overview.queues) remember(`queue ${name} waiting`, at, waiting)
  const frame = Math.floor(at / CHART_MS)
  say(byId('place'), `${installation.name} on ${installation.host}`)
  byId('place').title = byId('place').textContent
  showHealth(health)
  draw('phase', overview.phase, phasePanel)
  draw('tiles', { told, frame }, () => tiles(told))
  draw('run', { run: overview.run, failing: tenants.failing }, runPanel)
  draw('alerts', overview.alerts, alertsPanel)
  draw('queues', { driver, queues: overview.queues, frame }, queuesPanel)
  draw('workers', { driver, workers: withoutBeats(overview.workers), supervisors: overview.supervisors }, workersPanel)
  draw('tenants', tenants, tenantsPanel)
  draw('failing', { most_failing: tenants.most_failing, slowest: tenants.slowest }, tenantsToLookAt)
  draw('sources', overview.sources, sourcesPanel)
  draw('traffic', { api: overview.api, analytics: overview.analytics }, trafficPanel)
  say(byId('foot'), footOf(installation))
  byId('main').setAttribute('aria-busy', 'false')
}

function tellingsOf({ tenants, sources, queues, api, analytics }) {
  const waiting = queues.reduce((sum, queue) => sum + queue.waiting, 0)
  const failed = queues.reduce((sum, queue) => sum + queue.failed, 0)
  const tell = (key, name, point, value, more, kind = 'plain') => ({ key, name, point, value, more, kind })
  return [
    tell(
      'tenants',
      'Active tenants',
      tenants.active,
      count(tenants.active),
      `${count(tenants.failing)} fail`,
      tenants.failing > 0 ? 'warn' : 'plain',
    ),
    tell('waiting', 'Jobs that wait', waiting, count(waiting), `${count(failed)} failed`, failed > 0 ? 'warn' : 'plain'),
    tell(
      'sources',
      'Failing sources',
      sources.failing,
      count(sources.failing),
      `of ${counted(sources.total, 'source')}`,
      sources.failing > 0 ? 'warn' : 'plain',
    ),
    tell('requests', 'API requests', api.requests_per_s, rate(api.requests_per_s), `from the cache: ${percent(api.hit_ratio)}`),
    tell('events', 'Events accepted', analytics.accepted_per_s, rate(analytics.accepted_per_s), backlogWords(analytics.backlog)),
  ]
}

function backlogWords(backlog) {
  if (backlog === null) return 'backlog: not measured'
  return backlog.batches === 0 ? 'nothing waits' : `${bytes(backlog.bytes)} wait`
}

/** What is of no use to who looks, and new every second. */
function withoutBeats({ total, shown }) {
  return { total, shown: shown.map(({ seen_at: _, ...worker }) => worker) }
}

function showHealth({ state, reasons }) {
  const pill = byId('health')
  pill.dataset.state = state === 'ok' ? 'ok' : 'warn'
  say(pill, state === 'ok' ? 'All is well' : `Needs a look (${reasons.length})`)
  pill.title = reasons.join('\n')
}

function footOf({ version, node, pid, host, rss_bytes: rss, drivers, started_at: startedAt }) {
  const kept = `database ${drivers.database} · cache ${drivers.cache} · sessions ${drivers.sessions} · queue ${drivers.queue} · disk ${drivers.disk}`
  return `feedctl ${version} · Node ${node} · process ${host}:${pid} since ${clock(startedAt)}, ${bytes(rss)} · ${kept}`
}

const LINKS = { live: 'live', polling: 'every 2 s', broken: 'stale' }

function showLink({ kind, since, words }) {
  byId('link').dataset.state = kind
  say(byId('link-words'), LINKS[kind])
  const banner = byId('banner')
  banner.hidden = kind !== 'broken'
  document.body.classList.toggle('stale', kind === 'broken')
  if (kind === 'broken')
    say(banner, `${since === null ? 'Nothing to show yet' : `Stale since ${clock(since)}`}: ${words}. Trying again.`)
}

new Connection(show, showLink)
setInterval(passTime, 1_000)

document.addEventListener('click', event => {
  const menu = document.querySelector('.menu[open]')
  if (menu !== null && !menu.contains(event.target)) menu.open = false
})
document.addEventListener('keydown', event => {
  const menu = document.querySelector('.menu[open]')
  if (event.key === 'Escape' && menu !== null) menu.open = false
})
