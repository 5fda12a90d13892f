import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface Identity {
  readonly key: string
  readonly cert: string
}

export interface Certificates {
  /** The authority that signed the others; nobody trusts it but who is told to. */
  readonly authority: Identity
  readonly valid: Identity
  readonly expired: Identity
  readonly otherName: Identity
}

/** Made by the openssl of this machine, for 127.0.0.1 unless they are for another name. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'feedctl-tls-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const read = (name: string): Identity => ({
    key: readFileSync(join(folder, `${name}.key`), 'utf8'),
    cert: readFileSync(join(folder, `${name}.crt`), 'utf8'),
  })
  const newKey = ['-newkey', 'rsa:2048', '-nodes']
  const sign = (name: string, alternative: string, days: string): Identity => {
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${alternative}\n`)
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const from = ['-in', `${name}.csr`, '-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial']
    openssl('x509', '-req', ...from, '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.crt`)
    return read(name)
  }
  try {
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      'authority.key',
      '-out',
      'authority.crt',
      '-days',
      '2',
      '-subj',
      '/CN=authority',
    )
    return {
      authority: read('authority'),
      valid: sign('valid', 'IP:127.0.0.1,DNS:localhost', '2'),
      expired: sign('expired', 'IP:127.0.0.1', '-1'),
      otherName: sign('other', 'DNS:other.example', '2'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** An https server on loopback that answers everything with a feed, closed with the test. */
export async function openTlsServer(identity: Identity): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = []
  const server = createServer({ ...identity }, (request, response) => {
    seen.push(request.url ?? '')
    response.end('<rss/>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, seen }
}
