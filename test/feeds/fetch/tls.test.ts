import { connect } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import { networkFailure } from '../../../src/feeds/fetch/network-failure.js'
import { type Certificates, makeCertificates, openTlsServer } from './certificates.js'
import { fetchOnce, verdictOf } from './fetchers.js'
import { openRawServer } from './raw-server.js'

let certificates: Certificates
beforeAll(() => {
  certificates = makeCertificates()
})

/** What a client that trusts the authority is told by a handshake; null when it succeeds. */
function handshake(port: number): Promise<Error | null> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', ca: certificates.authority.cert }, () => {
      socket.destroy()
      resolve(null)
    })
    socket.on('error', resolve)
  })
}

describe('a certificate', () => {
  it.each([
    ['authority', 'self-signed'],
    ['valid', 'issuer'],
  ] as const)('that nobody vouches for is not accepted, and nothing is sent: %s', async (name, words) => {
    const server = await openTlsServer(certificates[name])
    const outcome = await fetchOnce(`https://127.0.0.1:${server.port}/feed`)
    expect(outcome).toMatchObject({
      failure: { code: 'FEED_UNREACHABLE', message: expect.stringContaining(words) },
      status: null,
    })
    expect(server.seen).toEqual([])
  })

  it.each([
    ['expired', 'expired'],
    ['otherName', 'for another name'],
  ] as const)('that is %s says so', async (name, words) => {
    const { port } = await openTlsServer(certificates[name])
    const failure = networkFailure(await handshake(port), 'feeds.example')
    expect(failure).toMatchObject({ code: 'FEED_UNREACHABLE', message: expect.stringContaining(words) })
    expect(failure.message).toMatch(/^feeds\.example has a certificate /)
  })

  it('that is right is no failure', async () => {
    expect(await handshake((await openTlsServer(certificates.valid)).port)).toBeNull()
  })
})

describe('https', () => {
  it('to a server that speaks plain HTTP is unreachable', async () => {
    const { port } = await openRawServer(null)
    const plain = await openRawServer(socket => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(verdictOf(await fetchOnce(`https://127.0.0.1:${port}/`, { timeoutMs: 200 }))).toBe('FEED_TIMEOUT')
    expect(['FEED_UNREACHABLE', 'FEED_TIMEOUT']).toContain(
      verdictOf(await fetchOnce(`https://127.0.0.1:${plain.port}/`, { timeoutMs: 500 })),
    )
  })
})
