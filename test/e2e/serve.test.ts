import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ApiGround, ask } from '../api/ground.js'
import { hasSystemdPrograms, SystemdSocket } from '../support/systemd-socket.js'
import type { BinProcess } from './bin-process.js'
import { Installation } from './installation.js'
import { answering, answeringAll, beginDownload, childrenOf, Load, STARTED, servingAt } from './serving.js'

const BYTES = 8_000_000

async function install(): Promise<Installation> {
  const installation = await Installation.create({})
  onTestFinished(() => installation[Symbol.asyncDispose]())
  return installation
}

describe('feedctl serve --workers', () => {
  test('serves one port by several processes, and counts for all of them', async () => {
    const process = (await install()).start(['serve', '--port', '0', '--workers', '2', '--json'])
    const url = await servingAt(process)
    expect(childrenOf(process.pid)).toHaveLength(2)
    expect((await answeringAll(url)).size).toBe(2)
    let looks = 0
    // One that takes more than a second to tell its figures is in the next.
    await expect
      .poll(async () => {
        const figures = (await ask(url, '/metrics')).body.toString()
        const requests = Number(/requests_total\{status="200"\} (\d+)/.exec(figures)?.[1])
        return [/feedctl_api_processes (\d+)/.exec(figures)?.[1], requests - looks++]
      })
      .toEqual(['2', 24])
    const { exit, out } = await process.end('SIGTERM')
    expect(exit).toBe(143)
    expect(JSON.parse(out)).toEqual({ url, requests: 24 + looks, interrupted: 0 })
  })

  test('replaces a worker that is killed while the others answer, and forgets nothing that was counted', async () => {
    const process = (await install()).start(['serve', '--port', '0', '--workers', '2'])
    const url = await servingAt(process)
    const [first = 0, second = 0] = childrenOf(process.pid)
    await answeringAll(url)
    await ask(url, '/metrics')
    global.process.kill(first, 'SIGKILL')
    await process.says('a worker died, another takes its place')
    expect(await answeringAll(url)).toBeDefined()
    await expect.poll(async () => (await answeringAll(url)).size, STARTED).toBe(2)
    const now = childrenOf(process.pid)
    expect([now.length, now.includes(second), now.includes(first)]).toEqual([2, true, false])
    const counted = /requests_total\{status="200"\} (\d+)/.exec((await ask(url, '/metrics')).body.toString())?.[1]
    expect(Number(counted)).toBeGreaterThanOrEqual(24 + 24 + 24)
    expect((await process.end('SIGINT')).exit).toBe(130)
  })

  test('is reloaded by SIGHUP with new settings while no request fails', async () => {
    const ground = await ApiGround.create()
    onTestFinished(() => ground[Symbol.asyncDispose]())
    const { installation } = ground
    const file = join(ground.app.config.data, 'serve.env')
    writeFileSync(file, '')
    const process = installation.start(['serve', '--port', '0', '--workers', '2', '--env-file', file])
    const url = await servingAt(process)
    const origin = async () =>
      (await ask(url, '/healthz', { headers: { origin: 'https://app.example.com' } })).headers['access-control-allow-origin']
    expect(await origin()).toBeUndefined()
    const before = await answeringAll(url)
    const load = new Load(`${url}/readyz`)
    await expect.poll(() => load.count).toBeGreaterThan(50)
    writeFileSync(file, 'FEEDCTL_CORS_ORIGINS=https://app.example.com\n')
    global.process.kill(process.pid, 'SIGHUP')
    await process.says('reloaded: 2 workers serve')
    // The one before may still take a connection that was on its way.
    await expect.poll(origin).toBe('https://app.example.com')
    await expect.poll(() => childrenOf(process.pid).length, STARTED).toBe(2)
    const after = await answeringAll(url)
    expect([...after].filter(one => before.has(one))).toEqual([])
    const { answered, failures } = await load.stop()
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(50)
    expect((await process.end('SIGTERM')).exit).toBe(143)
  })

  test('keeps the workers before when the new settings are wrong, and says so', async () => {
    const installation = await install()
    const file = join(installation.env.FEEDCTL_DATA ?? '', 'serve.env')
    writeFileSync(file, '')
    const process = installation.start(['serve', '--port', '0', '--workers', '2', '--env-file', file])
    const url = await servingAt(process)
    const before = childrenOf(process.pid)
    writeFileSync(file, 'FEEDCTL_API_RATE=many\n')
    global.process.kill(process.pid, 'SIGHUP')
    expect(await process.says('not reloaded, the workers before go on')).toContain('FEEDCTL_API_RATE')
    await expect.poll(() => childrenOf(process.pid).sort()).toEqual(before.sort())
    await answering(url)
    writeFileSync(file, '')
    global.process.kill(process.pid, 'SIGHUP')
    await process.says('reloaded: 2 workers serve')
    await answering(url)
  })

  test('ends what it has begun to send when it drains, in every worker', async () => {
    const ground = await ApiGround.create()
    onTestFinished(() => ground[Symbol.asyncDispose]())
    const token = await ground.tenant('acme')
    const link = await ground.linkTo(token, await ground.file('acme', { name: 'large.bin', content: Buffer.alloc(BYTES) }))
    const process = ground.installation.start(['serve', '--port', '0', '--workers', '2', '--json'])
    const url = await servingAt(process)
    const downloads = await Promise.all([1, 2, 3].map(() => beginDownload(new URL(link, url))))
    const ended = process.end('SIGTERM')
    await process.says('draining: ')
    const sizes = await Promise.all(downloads.map(bytesOf))
    expect(sizes).toEqual([BYTES, BYTES, BYTES])
    const { exit, out } = await ended
    expect([exit, JSON.parse(out)]).toEqual([143, { url, requests: 3, interrupted: 0 }])
  })

  test('begins with no worker when one cannot begin, and says why', async () => {
    const process = (await install()).start(['serve', '--port', '0', '--workers', '2'], {
      FEEDCTL_TRUSTED_PROXIES: '10.0.0.0/99',
    })
    const { exit, err } = await process.ended
    expect([exit, childrenOf(process.pid)]).toEqual([3, []])
    expect(err).toContain('FEEDCTL_TRUSTED_PROXIES: 10.0.0.0/99 is no address and no CIDR (CONFIG_INVALID)')
  })
})

test('feedctl serve --workers ends when no worker can begin any more, and says why', async () => {
  const installation = await install()
  const file = join(installation.env.FEEDCTL_DATA ?? '', 'serve.env')
  writeFileSync(file, '')
  const process = installation.start(['serve', '--port', '0', '--workers', '2', '--env-file', file])
  await servingAt(process)
  writeFileSync(file, 'FEEDCTL_API_RATE=many\n')
  for (const pid of childrenOf(process.pid)) global.process.kill(pid, 'SIGKILL')
  const { exit, err } = await process.ended
  expect([exit, childrenOf(process.pid)]).toEqual([3, []])
  expect(err).toMatch(/^error: .*FEEDCTL_API_RATE.* \(CONFIG_INVALID\)$/m)
})

test.runIf(hasSystemdPrograms)('systemd is told when all workers serve, of a reload, and of the end', async () => {
  using systemd = await SystemdSocket.create()
  const process = (await install()).start(['serve', '--port', '0', '--workers', '2'], systemd.env)
  const url = await servingAt(process)
  const told = () => systemd.told().map(message => message.replace(/^MAINPID=\d+\|/, ''))
  const ready = `READY=1|STATUS=2 of 2 workers serve on ${url}`
  await expect.poll(told).toEqual([ready])
  global.process.kill(process.pid, 'SIGHUP')
  await process.says('reloaded: 2 workers serve')
  const reloading = expect.stringMatching(/^RELOADING=1\|MONOTONIC_USEC=\d+$/)
  await expect.poll(told).toEqual([ready, reloading, ready])
  expect((await process.end('SIGTERM')).exit).toBe(143)
  await expect.poll(told).toEqual([ready, reloading, ready, 'STOPPING=1'])
})

test('one process alone is not reloaded by SIGHUP, says so, and goes on', async () => {
  const process: BinProcess = (await install()).start(['serve', '--port', '0'])
  const url = await servingAt(process)
  global.process.kill(process.pid, 'SIGHUP')
  await process.says('one process cannot replace itself')
  await answering(url)
  expect((await process.end('SIGTERM')).exit).toBe(143)
})

async function bytesOf(download: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of download as AsyncIterable<Buffer>) bytes += chunk.length
  return bytes
}
