import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** What was asked of it, as it came in. */
export interface Asked {
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** A server that speaks TLS for one that does not. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number
  /** The certificate, which is its own authority. */
  readonly certificate: string
  readonly asked: readonly Asked[]
}

/** In front of `http://127.0.0.1:<port>`, under the name. Its key and certificate are made in the folder. */
export async function startTlsFront(origin: string, name: string, folder: string): Promise<TlsFront> {
  const [key, certificate] = [join(folder, 'front.key'), join(folder, 'front.crt')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const named = ['-subj', '/CN=front', '-addext', `subjectAltName=DNS:${name}`]
  execFileSync('openssl', ['req', ...kind, ...named, '-keyout', key, '-out', certificate], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const asked: Asked[] = []
  const { hostname, port } = new URL(origin)
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (incoming, outgoing) => {
    const { url = '', method, headers } = incoming
    asked.push({ url, headers })
    const forward = request({ hostname, port, path: url, method, headers, agent: false }, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forward.on('error', () => outgoing.destroy())
    incoming.pipe(forward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    certificate,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
