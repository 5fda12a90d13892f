import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { unitOf } from '../../src/bench/results/units.js'

const BENCH = 'src/bench'
/** The name of a metric where a row of it is made: the first word of the call, or the one after the phase. */
const MADE = /\b(?:row|rowOf|of[A-Z]\w*|judge|judgeWithReasons|caching|eager|events)\(\s*(?:[\w'.() +]+,\s*)?['`]([\w${}]+)['`]/g

/** What feedctl does well when there is more of it, or less; and what says nothing of how well feedctl does. */
const METRICS = {
  more: [
    'cached_ratio cached_cpu_ratio cached_per_s users_per_s crowd_per_s rate_per_s uncached_per_s nginx_1_per_s nginx_3_per_s nginx_ratio',
    'held_per_s highest_rate_per_s requests_per_s scaling_knee_processes http_committed_per_s http_accepted_per_s http_load_data_ratio',
    'ndjson_committed_per_s ndjson_accepted_per_s ndjson_load_data_ratio statements_saved_percent latency_p50_ratio latency_mean_ratio',
    'eager_saved_percent events_batched_per_s events_per_s events_ratio sync_workers_ratio small_feedctl_files_per_s large_feedctl_files_per_s',
    'processed_per_s feeds_per_s_cold feeds_per_s_warm posts_per_s_cold dedicated_per_s dedicated_ratio',
  ],
  less: [
    'cached_cpu_us cached_p50_ms cached_p99_ms users_p50_ms users_p95_ms users_p99_ms crowd_p50_ms crowd_p95_ms crowd_p99_ms rate_p50_ms',
    'rate_p95_ms rate_p99_ms uncached_p50_ms uncached_statements held_lost held_connection_bytes held_p99_ms http_lost_events ndjson_lost_events',
    'http_put_off http_batch_p50_ms http_batch_p99_ms http_peak_rss_api_bytes http_peak_rss_workers_bytes statements_cached latency_cached_p50_ms',
    'eager_statements sync_enqueue_s sync_1000_tenants_s small_wall_ratio small_cpu_ratio small_peak_rss_bytes small_feedctl_s small_feedctl_cpu_s',
    'large_wall_ratio enqueue_s status_p95_ms wait_median_alone_s wait_p95_alone_s wait_last_alone_s wait_median_giant_s wait_p95_giant_s',
    'wait_last_giant_s wait_median_ratio wait_p95_ratio wait_last_ratio giant_s sync_cold_s sync_warm_s peak_rss_bytes wall_cold_s wall_warm_s',
    'cpu_cold_s cpu_warm_s provision_s dedicated_s migrate_nothing_ms sign_up_ms sign_up_spare_ms shared_s list_first_ms list_middle_ms show_ms',
    'sync_detach_s',
  ],
  neither: [
    'bare_per_s bare_cpu_us bare_core_share cached_core_share generator_share users_generator_share crowd_generator_share rate_generator_share',
    'load_data_per_s http_events ndjson_events http_wall_s ndjson_wall_s http_generator_share http_backlog_batches http_backlog_bytes',
    'http_cpu_api_s http_cpu_workers_s http_cpu_generator_s http_cpu_database_s http_cpu_redis_s ndjson_cpu_ingest_s ndjson_backlog_bytes',
    'http_peak_rss_generator_bytes http_peak_rss_database_bytes http_peak_rss_redis_bytes statements_uncached latency_uncached_p50_ms',
    'lazy_statements events_single_per_s sync_serial_1000_tenants_s sync_by_tenant_1000_tenants_s small_rclone_s small_rclone_cpu_s',
    'small_rclone_peak_rss_bytes requests_cold requests_warm bare_ddl_per_s',
    // Promised: the promise says which.
    'held_open held_fewest_answers tenants concurrent_users',
  ],
} as const

const named = (lines: readonly string[]) => lines.flatMap(line => line.split(' '))

describe.each(Object.entries(METRICS))('%s is better of', (better, lines) => {
  test.each(named(lines))('%s', metric => {
    expect(unitOf(metric, null).better).toBe(better === 'neither' ? null : better)
  })
})

it('is said of every metric that there is', () => {
  const files = readdirSync(BENCH, { recursive: true, encoding: 'utf8' }).filter(name => /rows\.ts$|scaling\.ts$/.test(name))
  const made = files.flatMap(name => [...readFileSync(join(BENCH, name), 'utf8').matchAll(MADE)].map(([, metric = '']) => metric))
  expect(made.length).toBeGreaterThan(80)
  const known = Object.values(METRICS).flatMap(named)
  // Some names have a prefix, of a source or a size, and some a hole.
  const isKnown = (metric: string) => {
    const pattern = new RegExp(`(^|_)${metric.replace(/\$\{\w+\}/g, '\\w+')}$`)
    return known.some(name => pattern.test(name))
  }
  expect([...new Set(made)].filter(metric => !isKnown(metric))).toEqual([])
})

it('of what is promised says the promise', () => {
  expect(unitOf('held_open', true).better).toBe('more')
  expect(unitOf('bare_per_s', false).better).toBe('less')
})
