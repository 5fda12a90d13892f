import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The answer that is sent to every request. */
export interface BareOrder {
  readonly status: number
  /** Names and values in turn, as they are to be sent. */
  readonly headers: readonly string[]
  /** Base64. */
  readonly body: string
  /** As the server beside it, so that both send the same Keep-Alive. */
  readonly keepAliveMs: number
}

/** Starts what does the least that a server of Node can do: no routes, no checks, one answer. It lasts as long as its process. */
export function bareServer({ status, headers, body, keepAliveMs }: BareOrder): Promise<{ port: number }> {
  const content = Buffer.from(body, 'base64')
  const server = createServer((_request, response) => {
    response.writeHead(status, headers as string[])
    response.end(content)
  })
  server.keepAliveTimeout = keepAliveMs
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }))
  })
}
