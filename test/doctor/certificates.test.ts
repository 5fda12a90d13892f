import { readFileSync } from 'node:fs'
import { createServer as createPlain } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { judgeCertificates, placesOf } from '../../src/doctor/checks/certificates.js'
import { type CertificateSight, lookAtCertificate } from '../../src/doctor/tls-facts.js'
import { loadConfig } from '../../src/kernel/config.js'
import { BIN, runNode } from '../support/bin.js'
import type { TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { makeCertificate, TlsRedis } from '../support/tls.js'
import { doctor } from './examined.js'
import { judges } from './judges.js'

const NOW = Date.UTC(2026, 10, 30)
const place = { setting: 'REDIS_URL', host: 'cache.example.com', port: 6379 }
const inDays = (days: number) => NOW + days * 86_400_000
const seen = (days: number, distrust: string | null = null, chainDays: number | null = null): CertificateSight => ({
  ...place,
  endsAt: inDays(days),
  distrust,
  chainEndsAt: chainDays === null ? null : inDays(chainDays),
})
const silent: CertificateSight = { ...place, setting: 'WASABI_URL', why: 'ECONNREFUSED' }

describe('what is found of certificates', () => {
  const judge = (...sights: CertificateSight[]) => judgeCertificates(sights, NOW)
  judges([
    [() => judge(seen(22)), 'ok', 'REDIS_URL (cache.example.com:6379) has a certificate that ends on 2026-12-22'],
    [() => judge(seen(21)), 'warn', 'ends on 2026-12-21'],
    [() => judge(seen(90), seen(10)), 'warn', 'ends on 2026-12-10'],
    [() => judge(seen(3)), 'fail', 'ends on 2026-12-03'],
    [() => judge(seen(-1)), 'fail', 'ended on 2026-11-29'],
    [() => judge(seen(90, 'DEPTH_ZERO_SELF_SIGNED_CERT')), 'fail', 'not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)'],
    [() => judge(seen(90, null, 2)), 'ok', 'ends on 2027-02-28'],
    [() => judge(seen(90, null, -1)), 'ok', 'sent along ended on 2026-11-29; the connection is trusted without it'],
    [() => judge(seen(90, 'CERT_HAS_EXPIRED', -1)), 'fail', 'one of an authority that is sent along ended on 2026-11-29'],
    [() => judge(silent), 'warn', 'WASABI_URL (cache.example.com:6379) shows no certificate: ECONNREFUSED'],
    [() => judge(silent, seen(-1)), 'fail', 'shows no certificate'],
  ])
})

describe('servers that show a certificate', () => {
  it.each<[TestEnv, readonly string[]]>([
    [{}, []],
    [{ REDIS_URL: 'rediss://:hunter2@cache.example.com' }, []],
    [{ REDIS_URL: 'rediss://:hunter2@cache.example.com', CACHE_DRIVER: 'redis' }, ['REDIS_URL cache.example.com:6379']],
    [{ REDIS_URL: 'redis://cache.example.com', CACHE_DRIVER: 'redis' }, []],
    [{ WASABI_BUCKET: 'b', WASABI_REGION: 'eu-west-1' }, ['WASABI_REGION s3.eu-west-1.wasabisys.com:443']],
    [{ WASABI_BUCKET: 'b', WASABI_REGION: 'nowhere' }, []],
    [{ WASABI_BUCKET: 'b', WASABI_ENDPOINT: 'https://[::1]:9000' }, ['WASABI_ENDPOINT ::1:9000']],
    [{ WASABI_BUCKET: 'b', WASABI_ENDPOINT: 'http://127.0.0.1:9000' }, []],
    [
      {
        WASABI_URL: 'https://cdn.example.com/x',
        FEEDCTL_FETCH_PROXY: 'https://me:hunter2@proxy:3128',
        FEEDCTL_ALERT_WEBHOOK: 'https://chat/hunter2',
      },
      ['WASABI_URL cdn.example.com:443', 'FEEDCTL_FETCH_PROXY proxy:3128', 'FEEDCTL_ALERT_WEBHOOK chat:443'],
    ],
  ])('of %j are %j', (env, expected) => {
    const { config } = loadConfig({ env: { FEEDCTL_DATA: '/nowhere', ...env }, envFile: '/nowhere/.env', envFileNamed: false })
    expect(placesOf(config).map(({ setting, host, port }) => `${setting} ${host}:${port}`)).toEqual(expected)
  })
})

async function serving(days: number, by: 'authority' | 'itself'): Promise<number> {
  const { cert, key } = await makeCertificate(temporaryFolder(), days, by)
  const server: Server = createServer({ cert: readFileSync(cert), key: readFileSync(key) })
  server.on('secureConnection', socket => void socket.on('error', () => {}))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

describe('the look at a certificate', () => {
  const look = (port: number) => lookAtCertificate({ setting: 'X', host: '127.0.0.1', port }, new AbortController().signal)

  it('tells when it ends, and why it is not trusted', async () => {
    const sight = await look(await serving(10, 'itself'))
    if ('why' in sight) throw new Error(sight.why)
    const days = (sight.endsAt - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(9.9)
    expect(days).toBeLessThan(10.1)
    expect(sight.distrust).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  it('of a server that speaks no TLS, or is not there, says so', async () => {
    const plain = createPlain(
      socket =>
        void socket
          .on('error', () => {})
          .resume()
          .end('hello\n'),
    )
    await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve))
    const { port } = plain.address() as { port: number }
    expect(await look(port)).toMatchObject({ why: expect.any(String) })
    await new Promise(resolve => plain.close(resolve))
    expect(await look(port)).toMatchObject({ why: expect.stringContaining('ECONNREFUSED') })
  })

  it('ends with the signal, also where the server says nothing', async () => {
    const mute = createPlain(socket => void socket.on('error', () => {}).resume())
    await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void mute.close())
    const { port } = mute.address() as { port: number }
    const aborting = new AbortController()
    const looking = lookAtCertificate({ setting: 'X', host: '127.0.0.1', port }, aborting.signal)
    aborting.abort(new Error('cut'))
    await expect(looking).rejects.toThrow('cut')
  })
})

describe('feedctl doctor on a Redis over TLS', () => {
  const settings = ({ url }: TlsRedis) => ({ FEEDCTL_DATA: temporaryFolder(), REDIS_URL: url, CACHE_DRIVER: 'redis' })

  it('fails on a certificate that signed itself', async () => {
    const redis = await TlsRedis.start(90, 'itself')
    onTestFinished(() => redis.dispose())
    const found = await doctor(settings(redis))
    expect(found.of('certificates')).toMatchObject({
      severity: 'fail',
      evidence: expect.stringContaining('not trusted'),
      fix: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    })
    expect(found.exit).toBe(8)
  })

  it.each([
    [10, 'warn', 0],
    [2, 'fail', 8],
    [90, 'ok', 0],
  ] as const)('with one that is trusted, and ends in %s days, finds %s and exits %s', async (days, severity, exit) => {
    const redis = await TlsRedis.start(days, 'authority')
    onTestFinished(() => redis.dispose())
    const env = { ...settings(redis), NODE_EXTRA_CA_CERTS: redis.ca }
    const end = await runNode([BIN, 'doctor', '--json'], { env })
    const { findings } = JSON.parse(end.out) as { findings: { id: string; severity: string; evidence: string }[] }
    const severityOf = (id: string) => findings.find(finding => finding.id === id)?.severity
    expect([severityOf('certificates'), severityOf('redis.reachable')]).toEqual([severity, 'ok'])
    expect(end.exit).toBe(severityOf('disk.space') === 'fail' ? 8 : exit)
  })
})
