import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SeenByProxy {
  readonly method: string
  /** The absolute URL of a forwarded request, or host:port of a tunnel. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

export interface ProxyServer {
  readonly port: number
  readonly seen: SeenByProxy[]
}

/** A forward proxy on loopback: absolute URLs are forwarded, CONNECT is tunnelled to loopback whatever the name. Closed with the test. */
export async function openProxyServer(refuseWith: number | null = null): Promise<ProxyServer> {
  const seen: SeenByProxy[] = []
  const sockets = new Set<Socket>()
  const server = createServer((incoming, response) => {
    seen.push({ method: incoming.method ?? '', target: incoming.url ?? '', headers: incoming.headers })
    if (refuseWith !== null) return void response.writeHead(refuseWith).end()
    const { port, pathname, search } = new URL(incoming.url ?? '')
    const { 'proxy-authorization': _secret, connection: _connection, ...headers } = incoming.headers
    const outgoing = request({ host: '127.0.0.1', port, path: pathname + search, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.writeHead(502).end())
    outgoing.end()
  })
  server.on('connect', (incoming, client: Socket) => {
    seen.push({ method: 'CONNECT', target: incoming.url ?? '', headers: incoming.headers })
    sockets.add(client)
    client.on('error', () => {})
    if (refuseWith !== null) return void client.end(`HTTP/1.1 ${refuseWith} No\r\n\r\n`)
    const far = connect(Number(incoming.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      far.pipe(client).pipe(far)
    })
    far.on('error', () => client.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, seen }
}
