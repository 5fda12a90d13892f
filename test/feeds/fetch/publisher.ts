import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface Publisher {
  readonly url: string
  readonly port: number
  readonly seen: IncomingMessage[]
  close(): Promise<void>
}

/** An HTTP server on loopback that answers by path; 404 for a path it does not know. */
export async function openPublisher(answers: Readonly<Record<string, Answer>>): Promise<Publisher> {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => {
    seen.push(request)
    const answer = answers[request.url ?? '']
    if (answer === undefined) response.writeHead(404).end('no')
    else answer(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
