import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, Server } from './server.js'

/** A private nginx of one worker. It listens where its settings say. */
export class NginxServer extends Server {
  private constructor(folder: string, command: readonly [string, ...string[]], port: number) {
    super({ folder, command, answers: () => answers(port) })
  }

  /** A server that answers on the port; `http`: what is in its http block; `user`: whose its worker is, where root starts it. */
  static async create(port: number, http: string, user: string): Promise<NginxServer> {
    const program = findProgram(['nginx'], 'nginx-light')
    const folder = await mkdtemp(join(tmpdir(), 'feedctl-nginx-'))
    try {
      const file = join(folder, 'nginx.conf')
      await writeFile(file, settings(folder, http, user))
      const server = new NginxServer(folder, [program, '-p', folder, '-e', 'stderr', '-c', file], port)
      await server.start()
      return server
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }
}

/** Its worker is root where root starts it, since another user may not look into the tests' folders, unless the test has one. */
export function startNginx(port: number, http: string, user = 'root'): Promise<NginxServer> {
  return NginxServer.create(port, http, user)
}

function settings(folder: string, http: string, user: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`)
  return [
    ...(process.getuid?.() === 0 ? [`user ${user};`] : []),
    'daemon off;',
    'worker_processes 1;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr warn;',
    'events { worker_connections 64; }',
    'http {',
    'access_log off;',
    ...temporary,
    http,
    '}',
  ].join('\n')
}

function answers(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
  })
}
