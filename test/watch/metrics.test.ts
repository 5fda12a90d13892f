import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { parseListen } from '../../src/watch/listen.js'
import { serveMetrics } from '../../src/watch/metrics.js'
import type { Overview } from '../../src/watch/overview.js'
import { overviewOf, queueOf } from './made-up.js'
import { parsePage } from './prometheus-text.js'

async function serving(overview: () => Promise<Overview>) {
  const lines: string[] = []
  const server = await serveMetrics('0', overview, new Log(line => lines.push(line)))
  onTestFinished(() => server.close())
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://${server.address}${path}`, { method })
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
  }
  return { server, ask, lines }
}

const well = async () => overviewOf({ queues: [queueOf('sync', { waiting: 3 })] })
const away = async () => {
  throw new Failure('UNAVAILABLE', 'the queue does not answer: connect ECONNREFUSED')
}

test('the metrics are served on this machine only, as Prometheus reads them', async () => {
  const { server, ask } = await serving(well)
  expect(server.address).toMatch(/^127\.0\.0\.1:\d+$/)
  const { status, type, text } = await ask('/metrics?x=1')
  expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect(parsePage(text).samples).toMatchObject({ feedctl_up: 1, 'feedctl_queue_waiting{queue="sync"}': 3 })
})

test('an installation that can be read is healthy; other pages there are not', async () => {
  const { ask } = await serving(well)
  expect(await ask('/healthz')).toMatchObject({ status: 200, text: 'ok\n' })
  expect(await ask('/healthz', 'HEAD')).toMatchObject({ status: 200, text: '' })
  for (const [path, method] of [
    ['/', 'GET'],
    ['/metrics/x', 'GET'],
    ['/metrics', 'POST'],
    ['//', 'GET'],
  ] as const)
    expect(await ask(path, method)).toMatchObject({ status: 404 })
})

test('one that cannot be read is neither up nor healthy, says why, and logs it once', async () => {
  let read: () => Promise<Overview> = away
  const { ask, lines } = await serving(() => read())
  const page = await ask('/metrics')
  expect([page.status, parsePage(page.text).samples.feedctl_up]).toEqual([200, 0])
  expect(await ask('/healthz')).toMatchObject({ status: 503, text: 'the queue does not answer: connect ECONNREFUSED\n' })
  expect(lines.filter(line => line.includes('could not be read'))).toHaveLength(1)
  read = well
  await expect.poll(async () => (await ask('/healthz')).status, { timeout: 10_000 }).toBe(200)
})

test('a clock that is set back does not keep an old page', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  let read: () => Promise<Overview> = well
  const { ask } = await serving(() => read())
  expect((await ask('/healthz')).status).toBe(200)
  read = away
  vi.setSystemTime(Date.now() - 7_200_000)
  expect([(await ask('/healthz')).status, parsePage((await ask('/metrics')).text).samples.feedctl_up]).toEqual([503, 0])
})

test('many who ask at once cause one read, and one a second at most', async () => {
  let reads = 0
  const { ask } = await serving(() => {
    reads++
    return well()
  })
  const began = performance.now()
  for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 8 }, () => ask('/metrics')))
  expect(reads).toBeLessThanOrEqual(1 + Math.floor((performance.now() - began) / 1_000))
})

test('a read that hangs is not waited for without end, nor begun again', async () => {
  let reads = 0
  const { server, ask } = await serving(() => {
    reads++
    return new Promise(() => {})
  })
  const answers = await Promise.all([ask('/metrics'), ask('/healthz'), ask('/metrics')])
  expect(answers.map(answer => answer.status)).toEqual([503, 503, 503])
  expect(answers[1]?.text).toBe('the installation was not read within 5 s\n')
  expect(reads).toBe(1)
  const open = ask('/healthz').catch(() => 'cut')
  await server.close()
  expect(await open).toBe('cut')
})

describe('where it listens', () => {
  test('is refused with words when another has the port', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => other.once('listening', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    const message = `metrics: port ${port} of 127.0.0.1 is taken`
    await expect(serveMetrics(String(port), well, new Log(() => {}))).rejects.toMatchObject({ code: 'UNAVAILABLE', message })
  })

  test('is refused when it is no address of this machine', async () => {
    await expect(serveMetrics('192.0.2.1:9464', well, new Log(() => {}))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test.each([
    ['9464', { host: '127.0.0.1', port: 9464 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['metrics.internal:65535', { host: 'metrics.internal', port: 65_535 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
  ])('is read from %s', (listen, expected) => {
    expect(parseListen(listen)).toEqual(expected)
  })

  test.each(['', 'x', '65536', ':80', '::1:80', 'a b:80', '80:'])('is not read from %j', listen => {
    expect(() => parseListen(listen)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
