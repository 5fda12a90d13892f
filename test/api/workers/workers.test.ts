import cluster from 'node:cluster'
import { expect, onTestFinished, test } from 'vitest'
import { Workers } from '../../../src/api/workers/workers.js'
import { Log } from '../../../src/kernel/log.js'

const NEVER = new AbortController().signal
const PLACE = { host: '127.0.0.1', port: 0 }

test('workers that the system refuses at once are a failure in words', async () => {
  onTestFinished(() => cluster.setupPrimary({ args: [] }))
  const voice = { ready: () => {}, reloading: () => {}, stopping: () => {} }
  // More than one word of a command line may have.
  const args = () => ['x'.repeat(1_000_000)]
  const workers = new Workers({ count: 2, args, log: new Log(() => {}), note: () => {}, voice })
  await expect(workers.start(PLACE, NEVER)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('E2BIG'),
  })
})
