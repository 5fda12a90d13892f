import type { Limits } from './limits.js'

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: 'page' | 'ticket' }
  readonly annotations: { readonly summary: string; readonly description: string }
}

/** What there is to watch beside feedctl. */
export interface Watched {
  readonly replica: boolean
  readonly node: boolean
  readonly mysql: boolean
  readonly redis: boolean
  readonly backup: boolean
}

/** Every supervisor tells of the whole installation: the most that one says counts, never the sum. */
const SYNC_WAIT = 'max(feedctl_queue_oldest_wait_seconds{queue="sync"})'
const REQUESTS = 'sum(rate(feedctl_api_requests_total[5m]))'
/** Fewer requests a second say little about a share of them. */
const SOME_REQUESTS = `${REQUESTS} > 1`

/** The rules for the figures of feedctl itself. */
export function feedctlRules(limits: Limits): Rule[] {
  return [...supervisorRules(limits), ...apiRules(limits)]
}

/** For what supervisors tell of the whole installation. */
export function supervisorRules(limits: Limits): Rule[] {
  const off = [
    ...(limits.waitS === 0 ? ['FeedctlSyncLagBurnsFast', 'FeedctlSyncLagBurnsSlowly', 'FeedctlQueueWaits'] : []),
    ...(limits.noSyncS === 0 ? ['FeedctlNoSync'] : []),
    ...(limits.failedShare === 0 ? ['FeedctlJobsFail'] : []),
  ]
  return [...syncRules(limits), ...queueRules(limits)].filter(({ alert }) => !off.includes(alert))
}

/** Where targets are found by themselves, one that is gone is not told as down. */
export function apiAbsent(): Rule {
  return rule('FeedctlApiAbsent', 'absent(feedctl_api_requests_total)', '5m', 'page', {
    summary: 'no process of the API shows figures',
    description: 'No pod runs, or none is read. See: kubectl get deployment feedctl-api',
  })
}

function syncRules({ waitS, noSyncS }: Limits): Rule[] {
  const due = `max_over_time(max(feedctl_sources_due)[${noSyncS}s:1m] offset 5m)`
  const late = (window: string) => `avg_over_time((${SYNC_WAIT} > bool ${waitS})[${window}:1m])`
  return [
    rule('FeedctlUnreadable', 'max(feedctl_up) == 0 or absent(feedctl_up)', '2m', 'page', {
      summary: 'no supervisor can read the installation',
      description: 'Queues or catalog cannot be read, or no supervisor answers. See its log, then: feedctl doctor',
    }),
    // Only where a source was due meanwhile: feeds that are asked once a day are no outage.
    rule('FeedctlNoSync', `time() - max(feedctl_sync_last_success_timestamp_seconds) > ${noSyncS} and ${due} > 0`, '5m', 'page', {
      summary: `no tenant was synced with success for ${noSyncS} s`,
      description: 'See: feedctl queue status, feedctl queue failed --group, feedctl top',
    }),
    // One percent of the time may be late: a tenth of a month's share gone in an hour, or in a quarter of a day.
    rule('FeedctlSyncLagBurnsFast', `${late('1h')} > 0.144 and ${late('5m')} > 0.144`, '2m', 'page', {
      summary: `syncs wait for more than ${waitS} s, and have for much of an hour`,
      description: 'More workers (--max of feedctl queue supervise), or fewer feeds at once. See: feedctl queue status',
    }),
    rule('FeedctlSyncLagBurnsSlowly', `${late('6h')} > 0.06 and ${late('30m')} > 0.06`, '15m', 'ticket', {
      summary: `syncs have waited for more than ${waitS} s again and again for hours`,
      description: 'The workers are not enough for what is due. See: feedctl queue status, feedctl_sources_due',
    }),
    rule('FeedctlRunStuck', 'max(feedctl_run_age_seconds) > 7200', '5m', 'ticket', {
      summary: 'a run has gone on for two hours',
      description: 'See: feedctl top, feedctl queue status',
    }),
  ]
}

function queueRules({ waitS, failedShare }: Limits): Rule[] {
  const rate = (name: string) => `max by (queue) (rate(feedctl_jobs_${name}_total[10m]))`
  return [
    rule('FeedctlQueueWaits', `max by (queue) (feedctl_queue_oldest_wait_seconds{queue!="sync"}) > ${waitS}`, '5m', 'page', {
      summary: `the oldest job of the queue {{ $labels.queue }} has waited for more than ${waitS} s`,
      description: 'See: feedctl queue status',
    }),
    rule(
      'FeedctlQueueNotConsumed',
      'max by (queue) (feedctl_queue_waiting) > 0 and max by (queue) (feedctl_workers) == 0 and max by (queue) (feedctl_queue_paused) == 0',
      '5m',
      'page',
      {
        summary: 'no worker consumes the queue {{ $labels.queue }}, and jobs wait',
        description: 'See: feedctl queue status --health',
      },
    ),
    rule(
      'FeedctlJobsFail',
      `${rate('failed')} / (${rate('failed')} + ${rate('finished')}) > ${failedShare} and max by (queue) (increase(feedctl_jobs_failed_total[10m])) > 5`,
      '5m',
      'page',
      { summary: 'many jobs of the queue {{ $labels.queue }} fail for good', description: 'See: feedctl queue failed --group' },
    ),
    rule('FeedctlQueuePaused', 'max by (queue) (feedctl_queue_paused) == 1', '1h', 'ticket', {
      summary: 'the queue {{ $labels.queue }} has been paused for an hour',
      description: 'Somebody paused it. feedctl queue resume --queue {{ $labels.queue }}',
    }),
    rule('FeedctlTenantsFail', 'max(feedctl_tenants_failing) / max(feedctl_tenants{state="active"}) > 0.2', '30m', 'ticket', {
      summary: 'the newest sync of a fifth of the tenants failed in part',
      description: 'See: feedctl_sources_failing by code, feedctl doctor',
    }),
  ]
}

export function apiRules({ backlogBytes, backlogS, p99S, errorShare }: Limits): Rule[] {
  const p99 = 'histogram_quantile(0.99, sum by (le) (rate(feedctl_api_request_seconds_bucket[5m])))'
  return [
    rule(
      'FeedctlApiFails',
      `sum(rate(feedctl_api_requests_total{status=~"5.."}[5m])) / ${REQUESTS} > ${errorShare} and ${SOME_REQUESTS}`,
      '5m',
      'page',
      {
        summary: `more than ${errorShare * 100} % of the answers are 5xx`,
        description: 'The log of the API has why, by request id. See: /readyz of each process',
      },
    ),
    rule('FeedctlApiSlow', `${p99} > ${p99S} and ${SOME_REQUESTS}`, '10m', 'page', {
      summary: `one of a hundred answers that are not kept takes longer than ${p99S} s`,
      description: 'By route: feedctl_api_request_seconds. Databases first, then feedctl_api_event_loop_delay_seconds',
    }),
    rule('FeedctlApiBusy', 'max by (instance) (feedctl_api_event_loop_delay_seconds) > 0.2', '10m', 'ticket', {
      summary: 'the processes of {{ $labels.instance }} are busy beyond their core',
      description: 'More processes or machines of the API. See: feedctl capacity',
    }),
    rule(
      'FeedctlAnalyticsBehind',
      `max(feedctl_analytics_backlog_oldest_seconds) > ${backlogS} or max(feedctl_analytics_backlog_bytes) > ${backlogBytes}`,
      '5m',
      'page',
      {
        summary: 'events wait to be counted',
        description: 'Workers of the queue analytics: feedctl queue status. Beyond the bound intake answers 503',
      },
    ),
  ]
}

/** The rules for what feedctl stands on, where it is there to be watched. */
export function groundRules(limits: Limits, watched: Watched): Rule[] {
  return [
    rule('TargetDown', 'up == 0', '2m', 'page', {
      summary: '{{ $labels.instance }} ({{ $labels.job }}) does not answer',
      description: 'The process or its machine is down, or a firewall is between',
    }),
    ...(watched.replica ? replicaRules(limits) : []),
    ...(watched.node ? nodeRules() : []),
    ...(watched.mysql ? mysqlRules() : []),
    ...(watched.redis ? redisRules() : []),
    ...(watched.backup ? backupRules() : []),
  ]
}

/** For replicas that are read. */
export function replicaRules({ replicaS }: Limits): Rule[] {
  return [
    rule('ReplicaBehind', `max by (host) (feedctl_replica_behind_seconds) > ${replicaS}`, '5m', 'ticket', {
      summary: 'the replica of {{ $labels.host }} is behind, and not read any more',
      description: 'See: SHOW REPLICA STATUS, feedctl doctor',
    }),
    rule(
      'ReplicaNotRead',
      'sum(rate(feedctl_api_reads_total{place="replica"}[10m])) == 0 and sum(rate(feedctl_api_reads_total{place="primary"}[10m])) > 1',
      '10m',
      'ticket',
      { summary: 'nothing is read from the replica', description: 'It is down, behind or refuses. See: feedctl doctor' },
    ),
  ]
}

function nodeRules(): Rule[] {
  const real = '{fstype!~"tmpfs|ramfs|overlay|squashfs"}'
  const free = `node_filesystem_avail_bytes${real} / node_filesystem_size_bytes${real}`
  return [
    rule('DiskAlmostFull', `${free} < 0.1`, '10m', 'page', {
      summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} is nine tenths full',
      description: 'Databases: binary logs, feedctl feed retention. Redis: the append-only file',
    }),
    rule('DiskFillsUp', `${free} < 0.3 and predict_linear(node_filesystem_avail_bytes${real}[6h], 86400) < 0`, '1h', 'ticket', {
      summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} is full within a day, as it grows now',
      description: 'See what grows before it is full',
    }),
  ]
}

function mysqlRules(): Rule[] {
  return [
    rule('DatabaseDown', 'mysql_up == 0', '1m', 'page', {
      summary: 'the database {{ $labels.instance }} does not answer its exporter',
      description: 'See its log: journalctl -u mariadb',
    }),
    rule(
      'DatabaseConnections',
      'mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0.85',
      '10m',
      'ticket',
      {
        summary: 'the database {{ $labels.instance }} has few connections left',
        description: 'max_connections was computed from the description: are there more processes than it has?',
      },
    ),
  ]
}

function redisRules(): Rule[] {
  return [
    rule('RedisDown', 'redis_up == 0', '1m', 'page', {
      summary: 'Redis {{ $labels.instance }} does not answer its exporter',
      description: 'See its log',
    }),
    rule('RedisAlmostFull', 'redis_memory_used_bytes / (redis_memory_max_bytes > 0) > 0.85', '10m', 'page', {
      summary: 'Redis {{ $labels.instance }} is almost full: it refuses what does not fit',
      description: 'More memory, or why queues grow: feedctl queue status',
    }),
  ]
}

function backupRules(): Rule[] {
  const older = (figure: string, seconds: number) => `time() - max(${figure}) > ${seconds} or absent(${figure})`
  return [
    rule('BackupOld', older('feedctl_backup_last_success_timestamp_seconds', 93_600), '30m', 'page', {
      summary: 'there is no backup of the last 26 hours',
      description: 'See: systemctl status feedctl-backup, journalctl -u feedctl-backup',
    }),
    rule('BackupUnproven', older('feedctl_backup_verified_timestamp_seconds', 777_600), '1h', 'ticket', {
      summary: 'no backup was restored and counted in the last nine days',
      description: 'See: journalctl -u feedctl-backup-verify; by hand: systemctl start feedctl-backup-verify',
    }),
  ]
}

function rule(
  alert: string,
  expr: string,
  lasting: string,
  severity: Rule['labels']['severity'],
  annotations: Rule['annotations'],
): Rule {
  return { alert, expr, for: lasting, labels: { severity }, annotations }
}
