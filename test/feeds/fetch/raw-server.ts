import { createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What a connection is met with; called again for each request that arrives on it. */
export type Script = (socket: Socket, requestsOnIt: number) => void

export interface RawServer {
  readonly port: number
  readonly connections: number
}

/** A TCP server that sends bytes as they are, closed with the test. Without a script it accepts and stays silent. */
export async function openRawServer(script: Script | null, address = '127.0.0.1', port = 0): Promise<RawServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server: Server = createServer(socket => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    let requests = 0
    socket.on('data', data => {
      if (data.toString('latin1').includes('\r\n\r\n')) script?.(socket, ++requests)
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    get connections() {
      return connections
    },
  }
}
