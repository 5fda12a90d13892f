import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { parseDeployment } from '../../src/infra/description/read.js'
import type { Deployment } from '../../src/infra/description/schema.js'
import type { RenderedFile } from '../../src/infra/files.js'
import { renderFiles } from '../../src/infra/render.js'
import { findFreePort } from '../support/server.js'

/** The description with what is given. */
export function described(value: object): Deployment {
  return parseDeployment(stringify(value), 'test')
}

/** All machines of phase Scale are this one: ports and folders are its own, and nothing else. `more`: keys of `scale`. */
export async function onOneMachine(folder: string, more: Record<string, object> = {}, top: object = {}): Promise<Deployment> {
  const local = (name: string) => {
    mkdirSync(join(folder, name), { recursive: true })
    return join(folder, name)
  }
  const port = findFreePort
  const hosts = await Promise.all(
    ['app-1', 'app-2', 'app-3'].map(async name => ({
      name,
      address: '127.0.0.1',
      port: await port(),
      metrics_port: await port(),
      roles: ['api', 'workers', 'scheduler'],
    })),
  )
  const folders = (name: string) => ({ data: local(`${name}/data`), logs: local(`${name}/log`), run: local(`${name}/run`) })
  const { database = {}, balancer = {}, ...others } = more
  return described({
    names: { media: null },
    media: null,
    ...top,
    scale: {
      install: { node: process.execPath, bin: join(folder, 'feedctl.js'), config: local('etc'), data: local('data') },
      balancer: {
        address: '127.0.0.1',
        listen: ['127.0.0.1'],
        http_port: await port(),
        https_port: await port(),
        tls: { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') },
        user: 'root',
        pid: join(folder, 'nginx.pid'),
        acme: local('acme'),
        state: local('nginx/state'),
        cache: local('nginx/cache'),
        logs: local('nginx/log'),
        ...balancer,
      },
      app: { hosts },
      database: { address: '127.0.0.1', port: await port(), memory_mb: 512, ...folders('database'), ...database },
      redis: { address: '127.0.0.1', port: await port(), memory_mb: 256, ...folders('redis'), config: local('redis/etc') },
      ...others,
    },
  })
}

/** The text of the only file of the machine whose destination ends so. */
export function fileOf(files: readonly RenderedFile[], machine: string, end: string): RenderedFile {
  const found = files.filter(file => file.machine === machine && file.destination?.endsWith(end))
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${machine} has ${found.length} files that end with ${end}`)
  return found[0]
}

export function scaleOf(deployment: Deployment): RenderedFile[] {
  return renderFiles('scale', deployment)
}

/** Writes the file below the folder, and returns its path. */
export function put(folder: string, file: RenderedFile): string {
  const path = join(folder, file.path)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, file.text)
  chmodSync(path, file.mode)
  return path
}

/** A certificate for the names, addresses among them, that is its own authority. */
export function makeCertificate({ certificate, key }: { certificate: string; key: string }, names: readonly string[]): void {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const alternatives = names.map(name => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',')
  const named = ['-subj', '/CN=test', '-addext', `subjectAltName=${alternatives}`]
  execFileSync('openssl', ['req', ...kind, ...named, '-keyout', key, '-out', certificate], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}
