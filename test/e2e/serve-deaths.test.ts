import { Agent, get } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { OpsDocument } from '../../src/api/ops/document.js'
import { logIn, withDashboard } from '../api/ops-ground.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { Installation } from './installation.js'
import { answeringAll, childrenOf, STARTED, servingAt, startServe } from './serving.js'

/** A port that takes connections, and says nothing. */
async function silentPort(): Promise<{ port: number; connected: Promise<void> }> {
  const sockets = new Set<Socket>()
  let tell = () => {}
  const connected = new Promise<void>(resolve => {
    tell = resolve
  })
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    tell()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, connected }
}

describe('feedctl serve --workers', () => {
  test('replaces those that die in the middle of a reload once, not twice', async () => {
    const process = await startServe(2)
    await servingAt(process)
    const before = childrenOf(process.pid)
    global.process.kill(process.pid, 'SIGHUP')
    await process.says('reloading: ')
    for (const pid of before) global.process.kill(pid, 'SIGKILL')
    await process.says('reloaded: ')
    await expect.poll(() => childrenOf(process.pid).length, STARTED).toBe(2)
    expect(childrenOf(process.pid).filter(pid => before.includes(pid))).toEqual([])
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })

  test('keeps a reload in mind that is asked for before they serve', async () => {
    const process = await startServe(2)
    await expect.poll(() => childrenOf(process.pid).length, STARTED).toBe(2)
    global.process.kill(process.pid, 'SIGHUP')
    await process.says('reloaded: 2 workers serve')
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })

  test('ends as it was told to while they wait for a database that says nothing', async () => {
    const { port, connected } = await silentPort()
    const installation = await Installation.create({})
    onTestFinished(() => installation[Symbol.asyncDispose]())
    const database = { DB_CONNECTION: 'mysql', DB_HOST: '127.0.0.1', DB_PORT: String(port), DB_USERNAME: 'u', DB_PASSWORD: 'p' }
    const process = installation.start(['serve', '--port', '0', '--workers', '2'], database)
    await connected
    const { exit, err } = await process.end('SIGTERM')
    expect([exit, childrenOf(process.pid)]).toEqual([143, []])
    expect(err).toContain('interrupted by SIGTERM')
  })

  test('goes on when all of many are killed at once', async () => {
    const process = await startServe(5)
    const url = await servingAt(process)
    for (const pid of childrenOf(process.pid)) global.process.kill(pid, 'SIGKILL')
    await process.says('a worker died, another takes its place')
    await expect
      .poll(
        () =>
          answeringAll(url).then(
            ({ size }) => size,
            () => 0,
          ),
        STARTED,
      )
      .toBeGreaterThan(1)
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })

  test('replaces one that somebody else told to end, which is no death', async () => {
    const process = await startServe(2)
    await servingAt(process)
    const [first = 0] = childrenOf(process.pid)
    global.process.kill(first, 'SIGTERM')
    const said = await process.says('a worker was told to end by somebody else, another takes its place')
    expect(said).not.toContain('a worker died')
    await expect.poll(() => childrenOf(process.pid).filter(pid => pid !== first).length, STARTED).toBe(2)
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })

  test('tells on the dashboard what all of them do, whichever answers', async () => {
    const process = await startServe(2, withDashboard({ ...sharedRedisEnv(), SESSION_DRIVER: 'redis' }))
    const url = await servingAt(process)
    const { cookie } = await logIn(url)
    const look = looking(url, cookie)
    await look()
    const began = performance.now()
    for (let times = 0; times < 10; times++) await answeringAll(url)
    // Each answers about half of these 240.
    const told = async () => {
      const spanS = (performance.now() - began) / 1000
      return ((await look()).api.requests_per_s ?? 0) * spanS
    }
    await expect.poll(told, { ...STARTED, interval: 1_200 }).toBeGreaterThan(160)
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })
})

/** Asks for the dashboard's figures over one connection, so of one worker. */
function looking(url: string, cookie: string): () => Promise<OpsDocument> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return () =>
    new Promise((resolve, reject) => {
      get(`${url}/ops/overview.json`, { agent, headers: { cookie } }, response => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve(JSON.parse(text) as OpsDocument))
      }).on('error', reject)
    })
}
