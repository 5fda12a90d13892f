import type { Limits } from './limits.js'
import { feedctlRules, type Rule } from './rules.js'

interface Case {
  readonly alert: string
  /** Of promtool: name and labels, start, and what it grows by a minute. */
  readonly series: Readonly<Record<string, string>>
  /** Labels of the alert beside its severity. */
  readonly labels?: Readonly<Record<string, string>>
  readonly at: string
}

/** Of an installation that is well: alerts that fire on it are wrong. */
const WELL = {
  'feedctl_up{instance="a"}': '1x180',
  'up{instance="a",job="feedctl-api"}': '1x180',
  feedctl_sync_last_success_timestamp_seconds: '0+60x180',
  'feedctl_queue_oldest_wait_seconds{queue="sync"}': '2x180',
  'feedctl_queue_oldest_wait_seconds{queue="media"}': '2x180',
  'feedctl_queue_waiting{queue="sync"}': '3x180',
  'feedctl_workers{queue="sync"}': '2x180',
  'feedctl_queue_paused{queue="sync"}': '0x180',
  'feedctl_jobs_finished_total{queue="sync"}': '0+600x180',
  'feedctl_jobs_failed_total{queue="sync"}': '0+1x180',
  'feedctl_api_requests_total{status="200"}': '0+60000x180',
  'feedctl_api_requests_total{status="503"}': '0+10x180',
  'feedctl_api_request_seconds_bucket{route="/v1/posts",le="0.5"}': '0+6000x180',
  'feedctl_api_request_seconds_bucket{route="/v1/posts",le="1"}': '0+6000x180',
  'feedctl_api_request_seconds_bucket{route="/v1/posts",le="+Inf"}': '0+6000x180',
  feedctl_analytics_backlog_oldest_seconds: '8x180',
  feedctl_analytics_backlog_bytes: '100000x180',
  feedctl_sources_due: '5x180',
  feedctl_run_age_seconds: '60x180',
  feedctl_tenants_failing: '1x180',
  'feedctl_tenants{state="active"}': '100x180',
  'feedctl_api_event_loop_delay_seconds{instance="a"}': '0.01x180',
}

/** Tests of the rules for `promtool test rules`: what is well fires none, and each of these days the one it is for. */
export function ruleTests(rulesFile: string, limits: Limits): object {
  const rules = feedctlRules(limits)
  const well = {
    name: 'an installation that is well',
    ...input(WELL),
    alert_rule_test: rules.map(({ alert }) => expectation(alert, '3h', [])),
  }
  const isThere = ({ alert }: Case) => rules.some(one => one.alert === alert)
  const quiet = {
    name: 'an hour in which nothing was due',
    ...input({ ...WELL, feedctl_sources_due: '0x180', feedctl_sync_last_success_timestamp_seconds: '0x180' }),
    alert_rule_test: [expectation('FeedctlNoSync', '2h', [])],
  }
  const days = casesOf(limits)
    .filter(isThere)
    .map(({ alert, series, labels = {}, at }) => {
      const rule = rules.find(one => one.alert === alert)
      const fired =
        rule === undefined ? [] : [{ exp_labels: { ...rule.labels, ...labels }, exp_annotations: wordsFor(rule, labels) }]
      return {
        name: `${alert}, on the day that it is for`,
        ...input({ ...WELL, ...series }),
        alert_rule_test: [expectation(alert, at, fired)],
      }
    })
  return { rule_files: [rulesFile], evaluation_interval: '1m', tests: [well, ...days, quiet] }
}

function casesOf({ waitS, backlogBytes }: Limits): Case[] {
  return [
    { alert: 'FeedctlUnreadable', series: { 'feedctl_up{instance="a"}': '0x180' }, at: '10m' },
    { alert: 'FeedctlNoSync', series: { feedctl_sync_last_success_timestamp_seconds: '0x180' }, at: '2h' },
    {
      alert: 'FeedctlSyncLagBurnsFast',
      series: { 'feedctl_queue_oldest_wait_seconds{queue="sync"}': `2x100 ${waitS + 60}x80` },
      at: '2h5m',
    },
    {
      alert: 'FeedctlSyncLagBurnsSlowly',
      series: { 'feedctl_queue_oldest_wait_seconds{queue="sync"}': `2x100 ${waitS + 60}x80` },
      at: '3h',
    },
    { alert: 'FeedctlRunStuck', series: { feedctl_run_age_seconds: '0+60x180' }, at: '2h30m' },
    {
      alert: 'FeedctlQueueWaits',
      series: { 'feedctl_queue_oldest_wait_seconds{queue="media"}': `${waitS + 1}x180` },
      labels: { queue: 'media' },
      at: '10m',
    },
    {
      alert: 'FeedctlQueueNotConsumed',
      series: { 'feedctl_workers{queue="sync"}': '0x180' },
      labels: { queue: 'sync' },
      at: '10m',
    },
    {
      alert: 'FeedctlQueuePaused',
      series: { 'feedctl_queue_paused{queue="sync"}': '1x180' },
      labels: { queue: 'sync' },
      at: '2h',
    },
    {
      alert: 'FeedctlJobsFail',
      series: { 'feedctl_jobs_failed_total{queue="sync"}': '0+900x180' },
      labels: { queue: 'sync' },
      at: '1h',
    },
    { alert: 'FeedctlTenantsFail', series: { feedctl_tenants_failing: '50x180' }, at: '1h' },
    { alert: 'FeedctlApiFails', series: { 'feedctl_api_requests_total{status="503"}': '0+2000x180' }, at: '1h' },
    {
      alert: 'FeedctlApiSlow',
      series: {
        'feedctl_api_request_seconds_bucket{route="/v1/posts",le="0.5"}': '0+5900x180',
        'feedctl_api_request_seconds_bucket{route="/v1/posts",le="1"}': '0+5900x180',
        'feedctl_api_request_seconds_bucket{route="/v1/posts",le="2.5"}': '0+6000x180',
      },
      at: '1h',
    },
    {
      alert: 'FeedctlApiBusy',
      series: { 'feedctl_api_event_loop_delay_seconds{instance="a"}': '0.5x180' },
      labels: { instance: 'a' },
      at: '1h',
    },
    { alert: 'FeedctlAnalyticsBehind', series: { feedctl_analytics_backlog_bytes: `${backlogBytes + 1}x180` }, at: '1h' },
  ]
}

function input(series: Readonly<Record<string, string>>): object {
  return { interval: '1m', input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })) }
}

function expectation(alertname: string, at: string, fired: readonly object[]): object {
  return { eval_time: at, alertname, exp_alerts: fired }
}

/** The words with the labels filled in. */
function wordsFor({ annotations }: Rule, labels: Readonly<Record<string, string>>): Record<string, string> {
  const filled = (words: string) => words.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '')
  return Object.fromEntries(Object.entries(annotations).map(([name, words]) => [name, filled(words)]))
}
