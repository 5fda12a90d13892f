import type { Config } from '../../kernel/config.js'
import { parseUrl } from '../../kernel/parse-url.js'
import { bucketEndpoint } from '../../media/disks/index.js'
import { type Check, fail, ok, onRedis, type Severity, type Verdict, warn } from '../check.js'
import { type CertificateSight, lookAtCertificate, type TlsPlace } from '../tls-facts.js'
import { some } from '../words.js'
import { onBucket } from './wasabi.js'

const DAY_MS = 86_400_000
const WARN_DAYS = 21
const FAIL_DAYS = 3

type Addressed = Pick<
  Config,
  | 'redisUrl'
  | 'redisClusterNodes'
  | 'queueConnection'
  | 'cacheDriver'
  | 'sessionDriver'
  | 'wasabiBucket'
  | 'filesystemDisk'
  | 'wasabiEndpoint'
  | 'wasabiRegion'
  | 'wasabiUrl'
  | 'fetchProxy'
  | 'alertWebhook'
>

export const certificates: Check = {
  id: 'certificates',
  applies: config => placesOf(config).length > 0,
  run: async parts => {
    const sights = placesOf(parts.config).map(place => lookAtCertificate(place, parts.signal))
    return judgeCertificates(await Promise.all(sights), Date.now())
  },
}

/** Where feedctl, or those it sends there, speaks TLS, as the settings say. Never a name, a password or a path of a URL. */
export function placesOf(config: Addressed): TlsPlace[] {
  const redis = onRedis(config as Config) ? config.redisUrl : null
  const bucket = onBucket(config as Config) ? bucketEndpoint(config)?.href : null
  const urls: [setting: string, url: string | null | undefined, port: number][] = [
    ['REDIS_URL', redis, 6379],
    [config.wasabiEndpoint === null ? 'WASABI_REGION' : 'WASABI_ENDPOINT', bucket, 443],
    ['WASABI_URL', config.wasabiUrl, 443],
    ['FEEDCTL_FETCH_PROXY', config.fetchProxy, 443],
    ['FEEDCTL_ALERT_WEBHOOK', config.alertWebhook, 443],
  ]
  return urls.flatMap(([setting, text, usual]) => {
    const url = typeof text === 'string' ? parseUrl(text) : null
    if (url === null || !['rediss:', 'https:'].includes(url.protocol)) return []
    return [{ setting, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || usual }]
  })
}

/** The worst of them, and all of it in words. */
export function judgeCertificates(sights: readonly CertificateSight[], now: number): Verdict {
  const said = sights.map(sight => ({ ...sayCertificate(sight, now), place: `${sight.setting} (${sight.host}:${sight.port})` }))
  const words = (grave: Severity) =>
    some(
      said.filter(({ severity }) => severity === grave).map(({ place, words }) => `${place} ${words}`),
      sights.length,
    )
  const fix = 'renew the certificate; one of an authority of your own is trusted with NODE_EXTRA_CA_CERTS=/path/ca.pem'
  if (said.some(({ severity }) => severity === 'fail')) {
    const also = words('warn')
    return fail(also === '' ? words('fail') : `${words('fail')}; ${also}`, fix)
  }
  if (said.some(({ severity }) => severity === 'warn')) return warn(words('warn'), fix)
  return ok(words('ok'))
}

function sayCertificate(sight: CertificateSight, now: number): { severity: Severity; words: string } {
  if ('why' in sight) return { severity: 'warn', words: `shows no certificate: ${sight.why}` }
  const days = (sight.endsAt - now) / DAY_MS
  const ends = `${endWords(sight.endsAt, now)}${chainWords(sight, now)}`
  if (days < 0) return { severity: 'fail', words: `has a certificate that ${ends}` }
  if (sight.distrust !== null)
    return { severity: 'fail', words: `has a certificate that is not trusted (${sight.distrust}), and ${ends}` }
  if (days <= FAIL_DAYS) return { severity: 'fail', words: `has a certificate that ${ends}` }
  return { severity: days <= WARN_DAYS ? 'warn' : 'ok', words: `has a certificate that ${ends}` }
}

/** Where the connection is trusted, an authority's certificate that has ended is one that nobody needs. */
function chainWords({ distrust, chainEndsAt }: { distrust: string | null; chainEndsAt: number | null }, now: number): string {
  if (chainEndsAt === null || chainEndsAt >= now) return ''
  const what = `one of an authority that is sent along ${endWords(chainEndsAt, now)}`
  return distrust === null ? ` (${what}; the connection is trusted without it)` : ` (${what})`
}

function endWords(at: number, now: number): string {
  return `${at < now ? 'ended' : 'ends'} on ${new Date(at).toISOString().slice(0, 10)}`
}
