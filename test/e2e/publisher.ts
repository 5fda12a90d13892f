import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Publisher extends AsyncDisposable {
  readonly origin: string
  /** Paths that were asked for, in order. */
  readonly asked: string[]
  urlOf(path: string): string
}

/** A web server of the test's own, on 127.0.0.1 or another address of loopback: what it answers to a path is the test's. */
export async function startPublisher(
  answer: (path: string, response: ServerResponse) => void,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<Publisher> {
  const asked: string[] = []
  // Longer than a client keeps a connection that it may use again.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const path = request.url ?? '/'
    asked.push(path)
    answer(path, response)
  })
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  const origin = `http://${host}:${(server.address() as AddressInfo).port}`
  return {
    origin,
    asked,
    urlOf: path => `${origin}${path}`,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
