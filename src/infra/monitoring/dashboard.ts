/** What a panel shows; `legend` is of Grafana: labels in double braces. */
interface Panel {
  readonly title: string
  readonly expressions: readonly (readonly [expr: string, legend: string])[]
  /** Of Grafana: `s`, `short`, `percentunit`, `bytes`, `reqps`. */
  readonly unit: string
  readonly kind?: 'stat' | 'timeseries'
  /** From this on it is red. */
  readonly limit?: number
}

interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const DATASOURCE = { type: 'prometheus', uid: '$datasource' }
const COLUMNS = 24
const HEIGHT = { stat: 4, timeseries: 8 }
const rate = (name: string, by = '') => `sum${by}(rate(${name}[$__rate_interval]))`

const ROWS: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      stat('Tenants', 'sum(max by (state) (feedctl_tenants))', 'short'),
      stat('Requests', rate('feedctl_api_requests_total'), 'reqps'),
      stat('Since a sync succeeded', 'time() - max(feedctl_sync_last_success_timestamp_seconds)', 's', 3600),
      stat('Longest wait', 'max(feedctl_queue_oldest_wait_seconds)', 's', 900),
      stat('Sources due', 'max(feedctl_sources_due)', 'short'),
      stat('Alerts', 'count(max by (name) (feedctl_alert)) or vector(0)', 'short', 1),
    ],
  },
  {
    title: 'The API',
    panels: [
      graph('Answers by status', 'reqps', [rate('feedctl_api_requests_total', ' by (status) '), '{{status}}']),
      graph(
        'Latency of what is not kept',
        's',
        ...(['0.5', '0.95', '0.99'] as const).map(
          part =>
            [
              `histogram_quantile(${part}, sum by (le) (rate(feedctl_api_request_seconds_bucket[$__rate_interval])))`,
              part,
            ] as const,
        ),
      ),
      graph('Where answers come from', 'reqps', [rate('feedctl_api_answers_total', ' by (from) '), '{{from}}']),
      graph('Event loop, how late', 's', ['max by (instance) (feedctl_api_event_loop_delay_seconds)', '{{instance}}']),
      graph('Memory', 'bytes', ['max by (instance) (feedctl_api_resident_bytes)', '{{instance}}']),
      graph('Connections', 'short', ['max by (instance) (feedctl_api_connections)', '{{instance}}']),
    ],
  },
  {
    title: 'Queues and workers',
    panels: [
      graph('Oldest wait', 's', ['max by (queue) (feedctl_queue_oldest_wait_seconds)', '{{queue}}']),
      graph('Jobs that wait', 'short', ['max by (queue) (feedctl_queue_waiting)', '{{queue}}']),
      graph(
        'Jobs finished and failed',
        'ops',
        [`max by (queue) (rate(feedctl_jobs_finished_total[$__rate_interval]))`, '{{queue}} finished'],
        [`max by (queue) (rate(feedctl_jobs_failed_total[$__rate_interval]))`, '{{queue}} failed'],
      ),
      graph(
        'Workers, and what supervisors may have',
        'short',
        ['max by (supervisor) (feedctl_supervisor_workers)', '{{supervisor}}'],
        ['max by (supervisor) (feedctl_supervisor_ceiling)', '{{supervisor}} at most'],
      ),
      graph('Memory of workers', 'bytes', ['max by (worker) (feedctl_worker_rss_bytes)', '{{worker}}']),
      graph('Oldest job of a worker', 's', ['max by (worker) (feedctl_worker_job_age_seconds)', '{{worker}}']),
    ],
  },
  {
    title: 'Tenants, sources, events',
    panels: [
      graph('The newest run', 'short', ['max by (state) (feedctl_run_tenants)', '{{state}}']),
      graph('Sources', 'short', ['max by (state) (feedctl_sources)', '{{state}}'], ['max(feedctl_sources_due)', 'due']),
      graph('Sources that fail, by why', 'short', ['max by (code) (feedctl_sources_failing)', '{{code}}']),
      graph('Events', 'ops', [rate('feedctl_api_events_total', ' by (outcome) '), '{{outcome}}']),
      graph('Events that wait to be counted', 's', ['max(feedctl_analytics_backlog_oldest_seconds)', 'oldest']),
      graph(
        'Reads, and replicas behind',
        'short',
        [rate('feedctl_api_reads_total', ' by (place) '), '{{place}} per s'],
        ['max by (host) (feedctl_replica_behind_seconds)', '{{host}} behind, s'],
      ),
    ],
  },
]

/** A dashboard for Grafana 9 and later; its data source is chosen at its top. */
export function dashboard(): object {
  return {
    uid: 'feedctl',
    title: 'feedctl',
    tags: ['feedctl'],
    schemaVersion: 38,
    version: 1,
    editable: false,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'utc',
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus', hide: 0 }] },
    panels: panelsOf(ROWS),
  }
}

function panelsOf(rows: readonly Row[]): object[] {
  const panels: object[] = []
  let y = 0
  for (const { title, panels: inRow } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    })
    y++
    const kind = inRow[0]?.kind ?? 'timeseries'
    const width = kind === 'stat' ? COLUMNS / 6 : COLUMNS / 3
    for (const [index, panel] of inRow.entries()) {
      const place = index * width
      const gridPos = { x: place % COLUMNS, y: y + Math.floor(place / COLUMNS) * HEIGHT[kind], w: width, h: HEIGHT[kind] }
      panels.push(panelJson(panel, panels.length + 1, gridPos))
    }
    y += Math.ceil((inRow.length * width) / COLUMNS) * HEIGHT[kind]
  }
  return panels
}

function panelJson({ title, expressions, unit, kind = 'timeseries', limit }: Panel, id: number, gridPos: object): object {
  const steps = [{ color: 'green', value: null }, ...(limit === undefined ? [] : [{ color: 'red', value: limit }])]
  return {
    id,
    type: kind,
    title,
    datasource: DATASOURCE,
    gridPos,
    targets: expressions.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
    fieldConfig: { defaults: { unit, min: 0, thresholds: { mode: 'absolute', steps } }, overrides: [] },
    options:
      kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value' } : { legend: { displayMode: 'list' } },
  }
}

function stat(title: string, expr: string, unit: string, limit?: number): Panel {
  return { title, expressions: [[expr, '']], unit, kind: 'stat', ...(limit === undefined ? {} : { limit }) }
}

function graph(title: string, unit: string, ...expressions: readonly (readonly [expr: string, legend: string])[]): Panel {
  return { title, expressions, unit }
}
