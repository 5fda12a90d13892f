import { Agent, type IncomingMessage, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { ApiGround } from './ground.js'

const BYTES = 16 * 1024 * 1024

/** A download of a large file that has begun, and that the client does not go on with yet. */
async function begunDownload(ground: ApiGround, agent: Agent | false = false): Promise<IncomingMessage> {
  const token = await ground.tenant('acme')
  const link = await ground.linkTo(token, await ground.file('acme', { name: 'large.bin', content: Buffer.alloc(BYTES) }))
  return new Promise((resolve, reject) => {
    const asking = request(ground.api.url + link, { agent }, resolve)
    asking.on('error', reject)
    asking.end()
  })
}

async function startGround(): Promise<ApiGround> {
  const ground = await ApiGround.create()
  onTestFinished(() => ground[Symbol.asyncDispose]())
  return ground
}

test('an API that is stopped takes no more requests, and ends what it has begun', async () => {
  const ground = await startGround()
  const download = await begunDownload(ground)
  const end = ground.api.stop(20_000)
  await expect.poll(() => ground.ask('/v1/media').catch(error => error.code)).toBe('ECONNREFUSED')
  let bytes = 0
  for await (const chunk of download as AsyncIterable<Buffer>) bytes += chunk.length
  expect(bytes).toBe(BYTES)
  expect(await end).toEqual({ requests: 2, interrupted: 0 })
  expect(await ground.reads()).toEqual({ '1 local': 1 })
})

// Sooner than its connection ends by itself.
test('a client that keeps its connection does not hold up an API that is stopped', { timeout: 60_000 }, async () => {
  const ground = await startGround()
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const download = await begunDownload(ground, agent)
  const end = ground.api.stop(600_000)
  download.resume()
  expect(await end).toEqual({ requests: 2, interrupted: 0 })
})

test('an API that is stopped cuts off what does not end in time, and says so', async () => {
  const ground = await startGround()
  const download = await begunDownload(ground)
  expect(await ground.api.stop(100)).toEqual({ requests: 2, interrupted: 1 })
  await expect(download.toArray()).rejects.toThrow('aborted')
})
