import type { ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { renderFeed } from '../../src/bench/feed-server/documents.js'
import { sleep } from '../../src/kernel/clock.js'
import { countPosts } from '../e2e/content.js'
import { Installation } from '../e2e/installation.js'
import { startPublisher } from '../e2e/publisher.js'
import { sharedMariadbEnv, sharedRedisEnv } from '../support/drivers.js'

const SOON = { timeout: 20_000 }
const DRAIN_MS = 300

/** A worker that has reached --max-jobs by one job while another of its jobs waits for its publisher. */
async function reachLimit() {
  const { body } = renderFeed({ seed: 1, source: 1, edition: 0, items: 3, itemBytes: 200, format: 'rss', origin: '' })
  const held: ServerResponse[] = []
  const publisher = await startPublisher((_path, response) => void held.push(response))
  onTestFinished(() => publisher[Symbol.asyncDispose]())
  const settings = { QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis', FEEDCTL_DRAIN_MS: String(DRAIN_MS) }
  const installation = await Installation.create({ ...sharedMariadbEnv(), ...sharedRedisEnv(), ...settings })
  onTestFinished(() => installation[Symbol.asyncDispose]())
  await installation.createTenant('slow', [publisher.urlOf('/slow.xml')])
  await installation.createTenant('quick', [])
  const worker = await installation.startWorker(['--json', '--max-jobs', '1'])
  await installation.run(['sync', 'slow', '--detach'])
  await expect.poll(() => held.length, SOON).toBe(1)
  await installation.run(['sync', 'quick', '--detach'])
  await worker.says('draining (--max-jobs is reached)')
  return { installation, worker, answer: () => held[0]?.end(body) }
}

describe('a worker at its limit', () => {
  test('lets a job end that takes longer than it may when the worker is told to stop', async () => {
    const scene = await reachLimit()
    await sleep(DRAIN_MS + 500)
    scene.answer()
    const { exit, out } = await scene.worker.ended
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toEqual({ finished: 2, failed: 0, handed_back: 0, interrupted: [], reason: 'max-jobs' })
    expect(await countPosts(scene.installation)).toBe(3)
  })

  test('hands it back when it is told to stop before', async () => {
    const scene = await reachLimit()
    const { exit, out } = await scene.worker.end('SIGTERM')
    expect(exit).toBe(143)
    expect(JSON.parse(out)).toEqual({
      finished: 1,
      failed: 0,
      handed_back: 1,
      interrupted: [{ queue: 'sync', id: expect.any(String), name: 'SyncTenantFeeds', tenant_id: 1 }],
      reason: 'max-jobs',
    })
  })
})
