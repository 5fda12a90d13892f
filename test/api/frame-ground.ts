import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { API_TIMES, type ApiTimes, buildFrame } from '../../src/api/frame.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { type Answer, type Asking, ask } from './ground.js'

/** The frame of the API with made-up routes, which answers on a port of this machine. */
export interface FrameGround {
  readonly port: number
  readonly lines: readonly string[]
  ask(path: string, asking?: Asking): Promise<Answer>
}

export async function startFrame(env: Record<string, string> = {}, times: Partial<ApiTimes> = {}): Promise<FrameGround> {
  const lines: string[] = []
  const { config } = loadConfig({ env, envFile: '/nowhere/.env', envFileNamed: false })
  const { server } = await buildFrame(config, new Log(line => lines.push(line)), { ...API_TIMES, ...times })
  const query = z.strictObject({ limit: z.coerce.number().int().max(10).default(1), word: z.string().optional() })
  const body = z.strictObject({ urls: z.array(z.url()) })
  server.get(
    '/v1/numbers/:id',
    { schema: { params: z.object({ id: z.coerce.number().int() }), querystring: query } },
    async request => ({
      id: request.params.id,
      limit: request.query.limit,
    }),
  )
  server.post('/v1/urls', { schema: { body } }, async request => ({ count: request.body.urls.length }))
  server.get('/who', async request => ({ ip: request.ip, protocol: request.protocol }))
  server.get('/fails/:code', { schema: { params: z.object({ code: z.string() }) } }, async request => {
    if (request.params.code === 'bug') throw new TypeError('secret of the house')
    throw new Failure(request.params.code as never, 'at 10.0.0.7', {
      hint: 'ask',
      ...(request.params.code === 'RATE_LIMITED' ? { retryAfterS: 7 } : {}),
    })
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close())
  const { port } = server.server.address() as AddressInfo
  return { port, lines, ask: (path, asking) => ask(`http://127.0.0.1:${port}`, path, asking) }
}

export function problemIn(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}
