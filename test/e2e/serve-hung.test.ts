import { expect, onTestFinished, test } from 'vitest'
import { Installation } from './installation.js'
import { answeringAll, childrenOf, STARTED, servingAt } from './serving.js'

test('a worker that hangs is killed after half a minute, and replaced', { timeout: 240_000 }, async () => {
  const installation = await Installation.create({})
  onTestFinished(() => installation[Symbol.asyncDispose]())
  const process = installation.start(['serve', '--port', '0', '--workers', '2'])
  const url = await servingAt(process)
  const [first = 0, second = 0] = childrenOf(process.pid)
  global.process.kill(first, 'SIGSTOP')
  const said = await process.says('a worker died, another takes its place')
  expect(said).toContain(`a worker does not answer any more, and is killed pid=${first}`)
  await expect.poll(() => childrenOf(process.pid).filter(pid => pid !== first).length, STARTED).toBe(2)
  expect(childrenOf(process.pid)).toContain(second)
  await expect.poll(async () => (await answeringAll(url)).size, STARTED).toBe(2)
  expect((await process.end('SIGTERM')).exit).toBe(143)
})
