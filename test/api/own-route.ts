import type { AddressInfo } from 'node:net'
import { FAR_TIMES } from '../../src/api/answers/far.js'
import { API_TIMES, buildFrame } from '../../src/api/frame.js'
import { ApiMetrics } from '../../src/api/metrics.js'
import { openReady } from '../../src/api/ready.js'
import type { App } from '../../src/app.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { type Answer, ask } from './ground.js'

/** An API with one route, `GET /v1/own`, whose answers the test makes: behind the same tokens, rates and ready answers as all others. */
export class OwnRoute implements AsyncDisposable {
  /** URLs that answers were built for, in order. */
  readonly built: string[] = []

  private constructor(
    readonly url: string,
    readonly metrics: ApiMetrics,
    readonly forget: (tenantId: Tenant['id']) => void,
    private readonly close: () => Promise<void>,
  ) {}

  static async serve(app: App, build: (url: string, tenant: Tenant) => Promise<unknown>, times = FAR_TIMES): Promise<OwnRoute> {
    const metrics = new ApiMetrics()
    const { principals, answers, lane } = await openReady(app, metrics, times)
    const { server } = await buildFrame(app.config, app.log, API_TIMES, lane.serverFactory)
    server.decorateRequest('tenant')
    server.addHook('onRequest', async request => {
      request.tenant = await principals.authorize(request)
    })
    server.get('/v1/own', (request, reply) =>
      answers.send(request, reply, () => {
        own.built.push(request.url)
        return build(request.url, request.tenant)
      }),
    )
    await server.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.server.address() as AddressInfo
    const own = new OwnRoute(
      `http://127.0.0.1:${port}`,
      metrics,
      tenantId => answers.forget(tenantId),
      async () => {
        server.server.closeAllConnections()
        await Promise.all([server.close(), principals.close(), answers.close()])
        metrics.close()
      },
    )
    return own
  }

  get(token: string, path = '/v1/own', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return ask(this.url, path, { headers: { authorization: `Bearer ${token}`, ...headers } })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** What the metrics say of answers: `near`, `far`, `built`, `stale`, `kept`, `kept_bytes`, `hit_ratio`. */
export async function answerCounts(metrics: ApiMetrics): Promise<Record<string, number>> {
  const { text } = await metrics.page()
  const counts: Record<string, number> = {}
  for (const [, kept, from, value] of text.matchAll(/^feedctl_api_answers_(?:(\w+)|total\{from="(\w+)"\}) (\S+)$/gm))
    counts[kept ?? from ?? ''] = Number(value)
  return counts
}

export function textOf(answer: Answer): string {
  return answer.body.toString()
}
