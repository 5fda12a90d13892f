import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Delivery {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

/** Who is posted to: keeps what arrives, and answers as it is told to. */
export class Receiver {
  readonly deliveries: Delivery[] = []
  /** 204 by default. */
  answer: (response: ServerResponse) => void = response => void response.writeHead(204).end()

  private constructor(readonly address: string) {}

  /** Closed when the test ends. */
  static async open(): Promise<Receiver> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = JSON.parse(Buffer.concat(chunks).toString())
      receiver.deliveries.push({ path: `${request.method} ${request.url}`, headers: request.headers, body })
      receiver.answer(response)
    }).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const receiver = new Receiver(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    return receiver
  }

  refuse(status: number): void {
    this.answer = response => void response.writeHead(status).end('no')
  }

  accept(): void {
    this.answer = response => void response.writeHead(204).end()
  }

  /** What was told, as `event name`. */
  get told(): string[] {
    return this.deliveries.map(({ body }) => `${body.event} ${body.name}`)
  }
}
