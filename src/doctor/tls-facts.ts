import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { wordsOf } from '../kernel/errors.js'

const PATIENCE_MS = 5_000
/** Of a chain that goes round in a circle. */
const MOST_CERTIFICATES = 10

/** A server that is spoken to over TLS. */
export interface TlsPlace {
  /** The setting that leads there. */
  readonly setting: string
  readonly host: string
  readonly port: number
}

/** What its certificate says; or why there is none. */
export type CertificateSight = TlsPlace &
  (
    | {
        /** When the server's own certificate ends, epoch ms. */
        readonly endsAt: number
        /** Why this process does not trust it, for its end as well; null when it does. */
        readonly distrust: string | null
        /** When the one ends that ends first of those of authorities that the server sends along, epoch ms; null where it sends none. */
        readonly chainEndsAt: number | null
      }
    | { readonly why: string }
  )

/** Asks for the certificate, and for nothing else. Never rejects but with the signal's reason. */
export async function lookAtCertificate(place: TlsPlace, signal: AbortSignal): Promise<CertificateSight> {
  let socket: TLSSocket | null = null
  try {
    return await new Promise<CertificateSight>((resolve, reject) => {
      const end = (error: unknown) => reject(error)
      signal.addEventListener('abort', () => end(signal.reason), { once: true })
      // What is not trusted is told of as well.
      const options = { host: place.host, port: place.port, rejectUnauthorized: false, timeout: PATIENCE_MS }
      const named = isIP(place.host) === 0 ? { servername: place.host } : {}
      const opened = connect({ ...options, ...named }, () => {
        const distrust = opened.authorized ? null : wordsOf(opened.authorizationError)
        const leaf = opened.getPeerCertificate(true)
        resolve({ ...place, endsAt: Date.parse(leaf.valid_to), distrust, chainEndsAt: chainEnd(leaf) })
      })
      socket = opened
      opened.on('error', end)
      opened.once('timeout', () => end(new Error(`no answer in ${PATIENCE_MS / 1000} s`)))
      opened.once('close', () => end(new Error('it closed the connection')))
    })
  } catch (error) {
    if (signal.aborted) throw error
    return { ...place, why: wordsOf(error) }
  } finally {
    ;(socket as TLSSocket | null)?.destroy()
  }
}

function chainEnd(leaf: DetailedPeerCertificate): number | null {
  const ends: number[] = []
  let certificate = issuerOf(leaf)
  while (certificate !== null && ends.length < MOST_CERTIFICATES) {
    ends.push(Date.parse(certificate.valid_to))
    certificate = issuerOf(certificate)
  }
  return ends.length === 0 ? null : Math.min(...ends)
}

/** Null for one that signed itself, and where it is not sent along. */
function issuerOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate | null {
  const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate
  return issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256 ? null : issuer
}
