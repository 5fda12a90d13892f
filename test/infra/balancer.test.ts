import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server as HttpServer, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Deployment } from '../../src/infra/description/schema.js'
import { temporaryFolder } from '../support/folders.js'
import { findProgram, Server } from '../support/server.js'
import { described, fileOf, makeCertificate, onOneMachine, put, scaleOf } from './ground.js'
import { directivesIn } from './nginx-text.js'

const confOf = (deployment: Deployment) => fileOf(scaleOf(deployment), 'balancer', '/nginx.conf')
const documented = (name: string) =>
  directivesIn(readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8'))

const NAME = 'api.example.com'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Get = (path: string, options?: RequestOptions & { plain?: boolean }) => Promise<Answer>

function askOnce(ask: typeof request, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = ask(options, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

class Balancer extends Server {
  constructor(folder: string, conf: string, port: number) {
    const command = [
      findProgram(['nginx'], 'nginx-light'),
      '-p',
      folder,
      '-e',
      'stderr',
      '-c',
      conf,
      '-g',
      'daemon off;',
    ] as const
    super({ folder, command, answers: () => reaches(port) })
  }
}

function reaches(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

function check(folder: string, conf: string): string {
  const program = findProgram(['nginx'], 'nginx-light')
  const { status, stderr } = spawnSync(program, ['-t', '-p', folder, '-c', conf], { encoding: 'utf8' })
  return status === 0 && !/\[(warn|emerg)\]/.test(stderr) ? 'ok' : stderr
}

describe('the load balancer', () => {
  test('is what nginx understands, with media and without, with TLS and without', async () => {
    const folder = temporaryFolder()
    const bucket = { bucket: 'media', endpoint: 'nowhere.invalid', path_style: true }
    const deployments = [
      await onOneMachine(folder),
      await onOneMachine(folder, {}, { names: { media: 'media.example.com' }, media: bucket }),
      await onOneMachine(folder, { balancer: { tls: null, front: ['127.0.0.1'], client_rate: null, client_connections: null } }),
    ]
    makeCertificate({ certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }, ['api.example.com'])
    expect(deployments.map(deployment => check(folder, put(folder, confOf(deployment))))).toEqual(['ok', 'ok', 'ok'])
  })

  test('has every directive of the documented nginx for the API', () => {
    const rendered = directivesIn(confOf(described({})).text)
    const lacking = [...documented('nginx-api.conf')].filter(line => !rendered.has(line))
    // Its place, in three ways, and what is said once for all servers.
    expect(lacking.map(line => line.replace(/127\.0\.0\.1:808\d/, 'place'))).toEqual([
      'upstream feedctl_api > server place max_fails=1 fail_timeout=2s',
      'upstream feedctl_api > server place max_fails=1 fail_timeout=2s',
      'upstream feedctl_api > server place max_fails=1 fail_timeout=2s',
      'server api.example.com > server_tokens off',
      // As much as the API takes, by its setting.
      'server api.example.com > client_max_body_size 4m',
    ])
    expect(rendered).toContain('server_tokens off')
  })

  test('has every directive of the documented nginx for media that are in a bucket', () => {
    const bucket = { bucket: 'my-bucket', endpoint: 's3.eu-central-1.wasabisys.com' }
    const rendered = directivesIn(confOf(described({ media: bucket })).text)
    const place = 'server media.example.com > location @feedctl_bucket > '
    const ours = 'server media.example.com > location ~ ^/media/[1-9][0-9]*/. > '
    const wanted = [...documented('nginx-media.conf')].filter(line => !line.startsWith('server api.example.com'))
    const lacking = wanted.filter(line => !rendered.has(line) && !rendered.has(line.replace(place, ours)))
    // Local files, which a load balancer has none of.
    const local = /root |sendfile|tcp_nopush|disable_symlinks|try_files|default_type|types|(listen 80|server_tokens off)$/
    // By a variable, so that the name is looked up again.
    expect(lacking.filter(line => !local.test(line))).toEqual([
      'upstream feedctl_bucket > server my-bucket.s3.eu-central-1.wasabisys.com:443',
      'upstream feedctl_bucket > keepalive 16',
      'server media.example.com > location @feedctl_bucket > proxy_pass https://feedctl_bucket$feedctl_path',
    ])
    expect(wanted.length - lacking.length).toBeGreaterThan(30)
  })
})

describe('requests to it', () => {
  async function started(
    rate: number | null,
    more: { tls?: null; front?: string[] } = {},
  ): Promise<{ get: Get; seen: string[] }> {
    const folder = temporaryFolder()
    const deployment = await onOneMachine(
      folder,
      { balancer: { client_rate: rate, ...more } },
      { settings: { FEEDCTL_API_RATE: rate ?? 0 } },
    )
    const [first, second] = deployment.scale.app.hosts
    makeCertificate({ certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }, ['api.example.com'])
    const seen: string[] = []
    await answering(second?.port ?? 0, seen)
    expect(first?.port).toBeGreaterThan(0)
    const { http_port: http, https_port: https } = deployment.scale.balancer
    const balancer = new Balancer(folder, put(folder, confOf(deployment)), more.tls === null ? http : https)
    onTestFinished(() => balancer.dispose())
    await balancer.start()
    const ca = readFileSync(join(folder, 'tls.crt'))
    const get: Get = (path, options = {}) => {
      const plain = options.plain === true
      const place = { host: '127.0.0.1', port: plain ? http : https, path, servername: NAME, ca, agent: false as const }
      return askOnce(plain ? request : requestTls, { ...place, ...options, headers: { host: NAME, ...options.headers } })
    }
    return { get, seen }
  }

  async function answering(port: number, seen: string[]): Promise<HttpServer> {
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['x-forwarded-for']} ${request.headers['x-forwarded-proto']}`)
      response.end('here')
    })
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    return server
  }

  test('reach the process that lives, by TLS only, and never the figures', async () => {
    const { get, seen } = await started(null)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => get('/v1/posts', { headers: { 'x-forwarded-for': '9.9.9.9' } })),
    )
    expect(answers.map(({ status }) => status)).toEqual(new Array(6).fill(200))
    expect([...new Set(seen)]).toEqual(['GET /v1/posts 127.0.0.1 https'])
    const plain = await get('/v1/posts', { plain: true })
    expect([plain.status, plain.headers.location]).toEqual([308, 'https://api.example.com/v1/posts'])
    expect((await get('/metrics')).status).toBe(404)
    await expect(get('/v1/x', { headers: { host: 'other.example.com' } })).rejects.toThrow()
  })

  test('by those in front that end TLS have the client that these name, and of others no word is believed', async () => {
    const forwarded = { 'x-forwarded-for': '9.9.9.9', 'x-forwarded-proto': 'https' }
    const behind = await started(null, { tls: null, front: ['127.0.0.0/8'] })
    expect((await behind.get('/v1/posts', { plain: true, headers: forwarded })).status).toBe(200)
    expect(behind.seen).toEqual(['GET /v1/posts 9.9.9.9 https'])
    const open = await started(null, { tls: null, front: ['10.0.0.5'] })
    expect((await open.get('/v1/posts', { plain: true, headers: forwarded })).status).toBe(200)
    expect(open.seen).toEqual(['GET /v1/posts 127.0.0.1 http'])
  })

  test('beyond the rate of one address are refused as a problem', async () => {
    const { get } = await started(1)
    const answers = await Promise.all(Array.from({ length: 6 }, () => get('/')))
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'strict-transport-security': 'max-age=31536000',
      'retry-after': '1',
    })
    expect(JSON.parse(refused?.body ?? '')).toMatchObject({ status: 429, code: 'RATE_LIMITED' })
  })
})
