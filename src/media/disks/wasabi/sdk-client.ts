import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { S3, S3ClientConfig } from '@aws-sdk/client-s3'
import { encodeQuery } from './encoding.js'
import { md5Header } from './headers.js'
import { isSuccess, type Refusal, RefusedError } from './refusals.js'
import type { Wire, WireRequest } from './wire.js'

export interface Keys {
  readonly id: string
  readonly secret: string
}

export interface SdkPlace {
  readonly endpoint: URL
  readonly region: string
  readonly keys: Keys
}

/** A request that the client has made and signed. */
interface SdkRequest {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, unknown>>
  readonly headers: Record<string, string>
  readonly body?: unknown
}

/** How a command is sent: the second argument of each. */
export interface Sending {
  readonly abortSignal: AbortSignal
  /** Instead of the wire's own. */
  readonly requestTimeout?: number
}

/** A client that tries once, looks at no settings but these, and sends over the wire. Its commands reject with RefusedError for what is no success. */
export async function newClient(wire: Wire, { endpoint, region, keys }: SdkPlace): Promise<S3> {
  const { S3 } = await import('@aws-sdk/client-s3')
  const config: S3ClientConfig = {
    endpoint: endpoint.origin,
    region,
    credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
    requestHandler: {
      handle: async (request: SdkRequest, sending: Sending) => {
        const answer = await wire.send(wireRequestOf(request, sending), sending.abortSignal)
        if (!isSuccess(answer)) throw new RefusedError(await refusalOf(s3, answer))
        return { response: await readResponse(answer) }
      },
    },
  }
  const s3 = new S3(config)
  s3.middlewareStack.add(
    (next, { commandName }) =>
      args => {
        if (commandName === 'DeleteObjectsCommand') summedByMd5(args.request as SdkRequest)
        return next(args)
      },
    // After the client's own checksums, before its signature.
    { name: 'onlyMd5', step: 'build', priority: 'low' },
  )
  return s3
}

/** What the bucket answered that is no success. Reads the answer to its end. */
export async function refusalOf(s3: S3, answer: IncomingMessage): Promise<Refusal> {
  const date = Date.parse(answer.headers.date ?? '')
  return {
    status: answer.statusCode ?? 0,
    code: await codeIn(s3, answer),
    serverTime: Number.isNaN(date) ? null : date,
  }
}

async function codeIn(s3: S3, answer: IncomingMessage): Promise<string> {
  const { parseXmlErrorBody } = await import('@aws-sdk/core/protocols')
  type SerdeContext = Parameters<typeof parseXmlErrorBody>[1]
  try {
    const content = await buffer(answer)
    const { Code: code } = content.length === 0 ? {} : await parseXmlErrorBody(content, s3.config as SerdeContext)
    return typeof code === 'string' && /^\w+$/.test(code) ? code : ''
  } catch {
    // Proxies answer with pages of their own, HEAD with nothing, and a page may be cut: the status says enough.
    return ''
  }
}

function wireRequestOf({ method, path, query, headers, body }: SdkRequest, { requestTimeout }: Sending): WireRequest {
  return {
    method,
    path: `${path}${encodeQuery(query)}`,
    headers,
    body: typeof body === 'string' || body instanceof Uint8Array ? Buffer.from(body) : null,
    ...(requestTimeout === undefined ? {} : { idleMs: requestTimeout }),
  }
}

/** All of them are small: read to the end, so that one that is cut is the wire's failure. */
async function readResponse(answer: IncomingMessage) {
  const single = Object.entries(answer.headers).filter((header): header is [string, string] => typeof header[1] === 'string')
  const body = Readable.from([await buffer(answer)])
  return { statusCode: answer.statusCode ?? 0, headers: Object.fromEntries(single), body }
}

/** Wasabi wants Content-MD5 there, and the client sends another sum instead: https://github.com/aws/aws-sdk-js-v3/issues/6819. */
function summedByMd5({ headers, body }: SdkRequest): void {
  for (const name of Object.keys(headers)) if (/^x-amz-(sdk-)?checksum-/i.test(name)) delete headers[name]
  headers['content-md5'] = md5Header(hash('md5', String(body)))
}
