import { connect, type Socket } from 'node:net'

/** What came back on a connection until the other end closed it. */
export interface RawEnd {
  readonly text: string
  /** The statuses of all answers in it. */
  readonly statuses: readonly number[]
  /** The body of the last answer, as a problem. */
  readonly problem: Record<string, unknown>
  /** The headers of the last answer, as they were written. */
  readonly head: string
}

/** Writes bytes that no HTTP client would, and reads until the server closes. */
export function sendRaw(port: number, ...parts: readonly (string | Buffer)[]): Promise<RawEnd> {
  return openRaw(port, socket => {
    for (const part of parts) socket.write(part)
  })
}

/** The same, with the connection in the hand of `use`, which may go on writing. */
export function openRaw(port: number, use: (socket: Socket) => void): Promise<RawEnd> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => use(socket))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    // A server that refuses may close before it has read everything.
    socket.on('error', () => {})
    socket.on('close', () => resolve(endOf(text)))
  })
}

function endOf(text: string): RawEnd {
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
  const last = text.slice(text.lastIndexOf('HTTP/1.1 '))
  const [head = '', body = ''] = last.split('\r\n\r\n')
  return { text, statuses, head, problem: body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {} }
}
