import cluster from 'node:cluster'
import { expect, onTestFinished, test } from 'vitest'
import { Handovers } from '../../../src/api/workers/handovers.js'
import { WorkerProcess } from '../../../src/api/workers/worker-process.js'

test('a worker that the system does not begin has ended, and nobody waits for it', async () => {
  cluster.setupPrimary({ cwd: '/nonexistent' })
  onTestFinished(() => cluster.setupPrimary({ cwd: process.cwd() }))
  const worker = new WorkerProcess(0, new Handovers(), () => {})
  const how = expect.stringMatching(/^not begun: .*ENOENT/)
  expect(await worker.ended).toEqual({ how, servedMs: null, failure: null, did: null })
  await expect(worker.serving).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  worker.leave({ lingerMs: 0, succeeded: false })
  worker.kill()
})
