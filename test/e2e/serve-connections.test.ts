import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../api/ground.js'
import { temporaryFolder } from '../support/folders.js'
import { answering, answeringAll, childrenOf, STARTED, servingAt, startServe } from './serving.js'
import { isAlive } from './supervision.js'

/** Stops it where it is, at the longest until the test ends: then it sees that all others have ended. */
function hold(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGCONT')
  })
}

/** A module that keeps each worker from beginning before the file is there. */
function waitingFor(file: string): string {
  const module = `import { existsSync } from 'node:fs'
while (process.env.NODE_UNIQUE_ID !== undefined && !existsSync(${JSON.stringify(file)})) await new Promise(resolve => setTimeout(resolve, 20))`
  return `--import data:text/javascript,${encodeURIComponent(module)}`
}

/** The port that a worker was started with; null while it does not tell. */
function portOf(pid: number): number | null {
  const [, port] = /--port\0(\d+)\0--quiet\0$/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? []
  return port === undefined ? null : Number(port)
}

describe('feedctl serve --workers', () => {
  test('has another answer what one was handed that is killed before it takes it', async () => {
    const process = await startServe(2)
    const url = await servingAt(process)
    const [first = 0] = childrenOf(process.pid)
    hold(first)
    let answered = 0
    const asked = Array.from({ length: 8 }, () => ask(url, '/healthz').finally(() => answered++))
    // One was handed to each, and all others to the one that takes them.
    await expect.poll(() => answered).toBe(7)
    global.process.kill(first, 'SIGKILL')
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })

  test('leaves no client waiting when all are killed that might answer', async () => {
    const process = await startServe(2)
    const url = await servingAt(process)
    const all = childrenOf(process.pid)
    for (const pid of all) hold(pid)
    const asked = Array.from({ length: 8 }, () => ask(url, '/healthz'))
    const settled = Promise.allSettled(asked)
    for (const pid of all) global.process.kill(pid, 'SIGKILL')
    await settled
    await expect.poll(() => answeringAll(url).catch(() => null), STARTED).not.toBeNull()
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })

  test('serves another port when somebody takes the free one before it does', async () => {
    const gate = join(temporaryFolder(), 'gate')
    const process = await startServe(2, { NODE_OPTIONS: waitingFor(gate) })
    await expect.poll(() => childrenOf(process.pid).map(portOf), STARTED).toEqual([expect.any(Number), expect.any(Number)])
    const port = portOf(childrenOf(process.pid)[0] ?? 0) ?? 0
    const other = createServer()
    await new Promise<void>(resolve => other.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    writeFileSync(gate, '')
    const url = await servingAt(process)
    expect(new URL(url).port).not.toBe(String(port))
    await answering(url)
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })
})
