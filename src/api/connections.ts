import type { Server, Socket } from 'node:net'

/** The connections of a server. */
export class Connections {
  private readonly sockets = new Set<Socket>()

  get open(): number {
    return this.sockets.size
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
  }

  /** Ends those on which nothing was ever said. */
  closeSilent(): void {
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}
