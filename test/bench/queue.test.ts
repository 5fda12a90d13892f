import { readdirSync } from 'node:fs'
import { Redis } from 'ioredis'
import { describe, expect, inject, test } from 'vitest'
import type { Row } from '../../src/bench/sync/rows.js'
import { BIN, runNode } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

const SMALL = [
  '--jobs',
  '500',
  '--tenants',
  '5',
  '--feeds-per-tenant',
  '2',
  '--giant-feeds',
  '30',
  '--workers',
  '1',
  '--repeat',
  '1',
]

describe('feedctl bench queue', () => {
  test.each([
    ['QUEUE_CONNECTION', {}],
    ['CACHE_DRIVER', { QUEUE_CONNECTION: 'redis' }],
  ])('names the setting it needs: %s', async (setting, env) => {
    const { exit, err } = await runCli(['bench', 'queue'], { env })
    expect({ exit, err }).toMatchObject({ exit: 3, err: expect.stringContaining(`try: ${setting}=redis`) })
  })

  test('measures what it promises, and leaves nothing behind', { timeout: 120_000 }, async () => {
    const folder = temporaryFolder()
    // A database of its own: another benchmark's keys may be in the first.
    const REDIS_URL = `${inject('redis').url}/7`
    const env = {
      TMPDIR: folder,
      FEEDCTL_DATA: temporaryFolder(),
      REDIS_URL,
      QUEUE_CONNECTION: 'redis',
      CACHE_DRIVER: 'redis',
      FEEDCTL_SYNC_CHUNK: '10',
    }
    const { exit, out, err } = await runNode([BIN, 'bench', 'queue', '--json', '--progress', 'none', ...SMALL], {
      cwd: folder,
      env,
    })
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    const { rows, settings } = JSON.parse(out) as { rows: Row[]; settings: { chunk: number } }
    expect(settings.chunk).toBe(10)
    // A ratio of waits of a second says nothing on a busy machine: only what was done is judged here.
    expect(rows.filter(row => !row.valid && row.why !== 'a small tenant was done after the giant')).toEqual([])
    const measured = Object.fromEntries(rows.map(row => [row.metric, row.measured]))
    for (const metric of ['enqueue_s', 'status_p95_ms', 'processed_per_s', 'wait_p95_ratio', 'giant_s'])
      expect(measured[metric]).toBeGreaterThan(0)
    expect(readdirSync(folder)).toEqual([])
    const redis = new Redis(REDIS_URL)
    try {
      expect(await redis.keys('*')).toEqual([])
    } finally {
      redis.disconnect()
    }
  })
})
