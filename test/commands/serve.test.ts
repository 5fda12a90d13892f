import { statSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { execute } from '../../commands/execute.js'
import { Interruption } from '../../src/cli/interruption.js'
import { run } from '../../src/cli/run.js'
import { ApiGround, ask } from '../api/ground.js'
import { createTestTerminal, runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

/** `feedctl serve` in this process, once it says where it serves. */
async function startServe(flags: readonly string[] = [], env: Record<string, string> = {}) {
  const stop = new AbortController()
  const cwd = temporaryFolder()
  const { terminal, out, err } = createTestTerminal({ cwd, env, signal: stop.signal })
  const ended = run(['serve', '--port', '0', ...flags], terminal, execute)
  onTestFinished(async () => {
    stop.abort(new Interruption('SIGTERM'))
    await ended
  })
  await expect.poll(() => err.text).toContain('serving on ')
  const url = /serving on (http:\S+) \(pid \d+\); Ctrl-C drains/.exec(err.text)?.[1] ?? ''
  const end = (name: 'SIGTERM' | 'SIGINT') => {
    stop.abort(new Interruption(name))
    return ended
  }
  return { url, cwd, out, end }
}

test('SIGTERM lets a process send what it has begun to send, by a link that another process signed', async () => {
  await using ground = await ApiGround.create()
  const token = await ground.tenant('acme')
  const link = await ground.linkTo(token, await ground.file('acme', { name: 'large.bin', content: Buffer.alloc(8_000_000) }))
  const process = ground.installation.start(['serve', '--port', '0', '--json'])
  const [, url = ''] = /serving on (http:\S+) /.exec(await process.says('Ctrl-C drains')) ?? []
  const download = await new Promise<IncomingMessage>((resolve, reject) => {
    request(new URL(link, url), { agent: false }, resolve).on('error', reject).end()
  })
  const ended = process.end('SIGTERM')
  await process.says('draining: ')
  let bytes = 0
  for await (const chunk of download as AsyncIterable<Buffer>) bytes += chunk.length
  expect(bytes).toBe(8_000_000)
  const { exit, out } = await ended
  expect(exit).toBe(143)
  expect(JSON.parse(out)).toEqual({ url, requests: 1, interrupted: 0 })
  expect(await ground.reads()).toEqual({ '1 local': 1 })
})

describe('serve', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('answers until %s, and ends with status %i', async (name, exit) => {
    const serving = await startServe(['--json'])
    expect(serving.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await ask(serving.url, '/v1/media')).status).toBe(401)
    expect(await serving.end(name)).toBe(exit)
    expect(JSON.parse(serving.out.text)).toEqual({ url: serving.url, requests: 1, interrupted: 0 })
    await expect(ask(serving.url, '/')).rejects.toThrow('ECONNREFUSED')
  })

  test('makes a key for links where none is set', async () => {
    const serving = await startServe()
    expect(statSync(join(serving.cwd, 'storage', 'media-links.key')).mode & 0o777).toBe(0o600)
    expect(await serving.end('SIGTERM')).toBe(143)
    expect(serving.out.text).toBe('done: 0 requests, 0 cut off\n')
  })

  test('listens where it is told to', async () => {
    const serving = await startServe(['--host', 'localhost'])
    expect((await ask(serving.url, '/')).status).toBe(404)
  })

  test('says that a port is taken', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    const { exit, out, err } = await runCli(['serve', '--port', String(port)])
    expect([exit, out]).toEqual([5, ''])
    expect(err).toBe(
      `error: port ${port} of 127.0.0.1 is taken (UNAVAILABLE)\n  try: set --port and --host to what is free on this machine\n`,
    )
  })

  test('says that a host is none of this machine', async () => {
    const { exit, err } = await runCli(['serve', '--port', '0', '--host', '192.0.2.1'])
    expect(exit).toBe(3)
    expect(err).toContain('cannot listen on 192.0.2.1:0')
  })

  test.each(['x', '-1', '65536', '80.5'])('refuses the port %s', async port => {
    expect(await runCli(['serve', '--port', port])).toMatchObject({ exit: 2 })
  })
})
