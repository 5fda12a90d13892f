import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Failure } from '../../kernel/errors.js'
import type { ChildPlace } from '../sync/child.js'
import type { Target } from './connection.js'

const LOOK_EVERY_MS = 20
const PATIENCE_MS = 10_000
/** The processes of the file, one line each. */
const PROCESSES = /^ *server 127\.0\.0\.1:\d+ (.*)\n/gm

/** An nginx before processes of the API, as `docs/nginx-api.conf` has it. Disposing ends it. */
export class Nginx implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    readonly target: Target,
  ) {}

  /** Returns when it answers. @throws {Failure} UNAVAILABLE when there is no nginx, or in its words; the signal's reason */
  static async start(place: ChildPlace, ports: readonly number[], signal: AbortSignal): Promise<Nginx> {
    signal.throwIfAborted()
    const target = { host: '127.0.0.1', port: await freePort() }
    const folder = join(place.folder, `nginx-${target.port}`)
    await mkdir(folder)
    const file = join(folder, 'nginx.conf')
    await writeFile(file, mainSettings(folder, apiSettings(await documented(), ports, target.port)))
    const child = spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', file], {
      env: { ...place.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const nginx = new Nginx(child, target)
    const ended = once(child, 'close').catch((error: Error) => [error.message])
    try {
      await Promise.race([answers(target, signal), refusal(child, ended)])
      return nginx
    } catch (error) {
      await nginx[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await ended
  }
}

/** The file as an operator would write it for this place: ports are other ones, and nothing else. */
export function apiSettings(documentedText: string, ports: readonly number[], listenAt: number): string {
  const lines = [...documentedText.matchAll(PROCESSES)]
  const [first] = lines
  if (first === undefined || lines.some((line, n) => n > 0 && line[1] !== first[1]))
    throw new Error('docs/nginx-api.conf has no processes, or several kinds')
  let isFirst = true
  return documentedText
    .replace(PROCESSES, () => {
      if (!isFirst) return ''
      isFirst = false
      return ports.map(port => `    server 127.0.0.1:${port} ${first[1]}\n`).join('')
    })
    .replace('listen 80;', `listen 127.0.0.1:${listenAt};`)
}

function documented(): Promise<string> {
  const bin = createRequire(import.meta.url).resolve('#bin')
  const file = fileURLToPath(new URL('../docs/nginx-api.conf', pathToFileURL(bin)))
  return readFile(file, 'utf8').catch(() => {
    throw new Failure('UNAVAILABLE', `there is no ${file}`, { hint: '--nginx needs the repository: packages have no docs' })
  })
}

function mainSettings(folder: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`)
  return [
    // Another user could not look into the folder.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    ...['daemon off;', 'worker_processes 1;', `pid ${folder}/nginx.pid;`, 'error_log stderr error;'],
    ...['events { worker_connections 1024; }', 'http {', 'access_log off;', ...temporary],
    // The generator's connections last as long as it does: one that is closed is a fault to it.
    ...['keepalive_requests 100000000;', http, '}'],
  ].join('\n')
}

async function refusal(child: ChildProcess, ended: Promise<unknown[]>): Promise<never> {
  const [[why], said] = await Promise.all([ended, child.stderr === null ? '' : text(child.stderr)])
  throw new Failure('UNAVAILABLE', `nginx ended with ${why}: ${said.trim().slice(0, 300)}`, {
    hint: 'install nginx, or leave --nginx out',
  })
}

async function answers({ host, port }: Target, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const socket = connect(port, host)
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) return
    if (performance.now() > deadline) throw new Failure('UNAVAILABLE', 'nginx does not answer')
    await pause(LOOK_EVERY_MS, undefined, { signal })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
