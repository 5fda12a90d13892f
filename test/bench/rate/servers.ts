import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Target } from '../../../src/bench/api/connection.js'
import type { Asked } from '../../../src/bench/api/expectations.js'
import { requestText } from '../../../src/bench/api/real-answer.js'

export const ASKED: Asked = { text: requestText('/a', 'token'), status: 200, bytes: null, sha256: null }

/** A server of this process, until the test is over. */
export async function serving(listener: RequestListener): Promise<{ readonly target: Target; readonly server: Server }> {
  const server = createServer(listener)
  // One that is held up takes nobody's connection for idle.
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, server }
}

/** Holds up this process, and every server in it. */
export function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
