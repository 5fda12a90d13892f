import type { IncomingMessage } from 'node:http'
import type { S3 } from '@aws-sdk/client-s3'
import { encodeQuery } from './encoding.js'
import type { Refusal } from './refusals.js'
import { newClient, refusalOf, type SdkPlace } from './sdk-client.js'
import type { Wire, WireRequest } from './wire.js'

export const UNSIGNED = 'UNSIGNED-PAYLOAD'
const SHA256_HEADER = 'x-amz-content-sha256'

/** What is signed. */
export interface Unsigned {
  readonly method: string
  /** Percent-encoded, without the query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>> | undefined
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

type Signer = Awaited<ReturnType<S3['config']['signer']>>
type Signable = Parameters<Signer['sign']>[0]
interface Presigner {
  presign(request: Signable, options: object): Promise<Signable>
}

/**
 * The AWS SDK for one place: its client for what is rare, its signer alone for what is sent by the hundred thousand, as its middleware would cost there
 * more than all the rest. Loaded at the first request. Whatever it sends goes over the wire.
 */
export class Sdk {
  private opening: Promise<{ readonly s3: S3; readonly signer: Signer }> | null = null

  constructor(
    readonly wire: Wire,
    private readonly place: SdkPlace,
  ) {}

  async s3(): Promise<S3> {
    return (await this.opened()).s3
  }

  /** The headers that the request goes with. `sha256`: of the body in hex, or UNSIGNED. */
  async signed(request: Unsigned, sha256: string, now = new Date()): Promise<WireRequest['headers']> {
    const { signer } = await this.opened()
    return (await signer.sign(this.signable(request, sha256), { signingDate: now })).headers
  }

  /** An address that anybody may get for `ttlS` seconds. */
  async link(path: string, query: Readonly<Record<string, string>>, ttlS: number, now = new Date()): Promise<string> {
    const { signer } = await this.opened()
    if (!canPresign(signer)) throw new TypeError('the SDK has no signer of links')
    const fixed = new Set([SHA256_HEADER])
    const signed = await signer.presign(this.signable({ method: 'GET', path, query }, UNSIGNED), {
      signingDate: now,
      expiresIn: ttlS,
      unhoistableHeaders: fixed,
      unsignableHeaders: fixed,
    })
    return `${this.place.endpoint.origin}${path}${encodeQuery(signed.query)}`
  }

  /** What the bucket answered that is no success. Reads the answer to its end. */
  async refusalOf(answer: IncomingMessage): Promise<Refusal> {
    return refusalOf(await this.s3(), answer)
  }

  private signable({ method, path, query, headers }: Unsigned, sha256: string): Signable {
    const { protocol, hostname, host } = this.place.endpoint
    return {
      method,
      protocol,
      hostname,
      path,
      query: { ...query },
      headers: { ...headers, host, [SHA256_HEADER]: sha256 },
    }
  }

  private opened() {
    this.opening ??= (async () => {
      const s3 = await newClient(this.wire, this.place)
      return { s3, signer: await s3.config.signer() }
    })()
    return this.opening
  }
}

function canPresign(signer: object): signer is Presigner {
  return 'presign' in signer
}
