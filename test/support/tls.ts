import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { findFreePort, findProgram, Server } from './server.js'

const run = promisify(execFile)

/** Files of a certificate, PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  /** Of the authority that signed it; the certificate itself where it signed itself. */
  readonly ca: string
}

/** A certificate for 127.0.0.1 and localhost in the folder, good from now on for so many days; of an authority that is made for it, or signed by itself. */
export async function makeCertificate(folder: string, days: number, by: 'authority' | 'itself'): Promise<Certificate> {
  const file = (name: string) => join(folder, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-addext', 'basicConstraints=CA:FALSE']
  const leaf = ['-keyout', file('key.pem'), '-out', file('cert.pem'), '-subj', '/CN=localhost', '-days', String(days)]
  if (by === 'itself') {
    await run('openssl', ['req', '-x509', ...key, ...leaf, ...names])
    return { cert: file('cert.pem'), key: file('key.pem'), ca: file('cert.pem') }
  }
  const authority = ['-keyout', file('ca-key.pem'), '-out', file('ca.pem'), '-subj', '/CN=Authority of a test', '-days', '365']
  await run('openssl', ['req', '-x509', ...key, ...authority])
  await run('openssl', ['req', '-x509', ...key, ...leaf, ...names, '-CA', file('ca.pem'), '-CAkey', file('ca-key.pem')])
  return { cert: file('cert.pem'), key: file('key.pem'), ca: file('ca.pem') }
}

/** A private Redis that speaks TLS only. */
export class TlsRedis extends Server {
  private constructor(
    folder: string,
    command: readonly [string, ...string[]],
    readonly port: number,
    readonly ca: string,
  ) {
    super({ folder, command, answers: () => shakesHands(port) })
  }

  get url(): string {
    return `rediss://127.0.0.1:${this.port}`
  }

  static async start(days: number, by: 'authority' | 'itself'): Promise<TlsRedis> {
    const program = findProgram(['redis-server'], 'redis-server')
    const folder = await mkdtemp(join(tmpdir(), 'feedctl-tls-redis-'))
    try {
      const [port, { cert, key, ca }] = await Promise.all([findFreePort(), makeCertificate(folder, days, by)])
      const lines = [
        ...[`dir ${folder}`, 'port 0', `tls-port ${port}`, 'bind 127.0.0.1', 'daemonize no', 'save ""'],
        ...[`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${ca}`, 'tls-auth-clients no'],
        ...['appendonly yes', 'appendfsync no', 'maxmemory-policy noeviction'],
      ]
      const file = join(folder, 'redis.conf')
      await writeFile(file, lines.join('\n'), { mode: 0o600 })
      const server = new TlsRedis(folder, [program, file], port, ca)
      await server.start()
      return server
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }
}

function shakesHands(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      socket.destroy()
      resolve()
    })
    socket.on('error', reject)
  })
}
