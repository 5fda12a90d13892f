import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A port of 127.0.0.1 that leads to another one, as a name or an address does that a failover moves. */
export class Forwarder implements AsyncDisposable {
  private readonly sockets = new Set<Socket>()
  private lost = new WeakSet<Socket>()

  private constructor(
    private readonly server: Server,
    private target: number,
  ) {
    server.on('connection', socket => this.forward(socket))
  }

  static async to(port: number): Promise<Forwarder> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Forwarder(server, port)
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** New connections lead to that port; those that are open stay where they are. */
  lead(port: number): void {
    this.target = port
  }

  /** What a host does that loses its power: the connections that are open stay so, and nothing comes through them again. New ones are made as ever. */
  loseConnections(): void {
    for (const socket of this.sockets) {
      socket.pause()
      this.lost.add(socket)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
  }

  private forward(client: Socket): void {
    const there = connect(this.target, '127.0.0.1')
    for (const [from, to] of [
      [client, there],
      [there, client],
    ] as const) {
      this.sockets.add(from)
      from.on('data', chunk => {
        if (!this.lost.has(from)) to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        this.sockets.delete(from)
        if (!this.lost.has(from)) to.destroy()
      })
    }
  }
}
