import { request } from 'node:http'
import type { BareOrder } from './bare-server.js'
import type { Target } from './connection.js'
import { type Asked, hashOf } from './expectations.js'

/** What a server of Node adds by itself. */
const ADDED = new Set(['date', 'connection', 'keep-alive'])
const PATIENCE_MS = 20_000

/** An answer as it came. */
export interface RealAnswer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** Asks as any client would, over a connection of its own that would be kept. @throws {Error} when nobody answers */
export function askOnce(target: Target, path: string, token: string): Promise<RealAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, connection: 'keep-alive' }
    const asking = request({ ...target, path, headers, agent: false, timeout: PATIENCE_MS }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.rawHeaders, body: Buffer.concat(chunks) })
        asking.destroy()
      })
    })
    asking.on('error', reject)
    asking.on('timeout', () => asking.destroy(new Error('no answer')))
    asking.end()
  })
}

/** What a bare server is told so that it sends the same. */
export function sameBytes({ status, headers, body }: RealAnswer): BareOrder {
  const kept = pairsOf(headers).filter(([name]) => !ADDED.has(name.toLowerCase()))
  const seconds = /timeout=(\d+)/.exec(headerIn(headers, 'keep-alive') ?? '')?.[1]
  return { status, headers: kept.flat(), body: body.toString('base64'), keepAliveMs: Number(seconds ?? 5) * 1000 }
}

/** Why two answers are not of the same bytes; what names the request and the time may differ, but not in length. */
export function differences(real: RealAnswer, bare: RealAnswer): string[] {
  const shape = ({ headers }: RealAnswer) => pairsOf(headers).map(([name, value]) => `${name}: ${value.length}`)
  if (real.status !== bare.status || !real.body.equals(bare.body)) return ['the bare server sends another body']
  if (shape(real).join() !== shape(bare).join()) return ['the bare server sends other headers']
  return []
}

/** The request as it is sent again and again, and that its answer stays the same. */
export function askedFor(path: string, token: string, answer: RealAnswer): Asked {
  return { text: requestText(path, token), status: 200, bytes: answer.body.length, sha256: hashOf(answer.body) }
}

export function requestText(path: string, token: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`
}

function pairsOf(headers: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < headers.length; at += 2) pairs.push([headers[at] ?? '', headers[at + 1] ?? ''])
  return pairs
}

function headerIn(headers: readonly string[], wanted: string): string | null {
  return pairsOf(headers).find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null
}
