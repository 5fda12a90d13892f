import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { dirname, join } from 'node:path'
import { type Api, serveApi } from '../../src/api/server.js'
import type { App } from '../../src/app.js'
import { hashName, parseMediaName } from '../../src/media/names.js'
import type { MediaState } from '../../src/tenants/databases/index.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { rotateToken } from '../../src/tenants/tokens.js'
import { Installation } from '../e2e/installation.js'
import type { TestEnv } from '../support/drivers.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** What `GET /v1/media` says of a file. */
export interface MediaJson {
  readonly id: number
  readonly name: string
  readonly type: string | null
  readonly bytes: number
  readonly sha256: string | null
  readonly url: string
  readonly expires_at: string | null
}

/** A file to be there. `local` false: the row only. */
export interface Given {
  readonly name: string
  readonly content?: string | Buffer
  readonly type?: string | null
  readonly state?: MediaState
  readonly local?: boolean
}

/** An installation whose API answers on a port of this machine. */
export class ApiGround implements AsyncDisposable {
  private constructor(
    readonly installation: Installation,
    readonly app: App,
    readonly api: Api,
  ) {}

  static async create(settings: TestEnv = {}): Promise<ApiGround> {
    const installation = await Installation.create(settings)
    const app = await installation.open()
    return new ApiGround(installation, app, await serveApi(app, { host: '127.0.0.1', port: 0 }))
  }

  /** Makes a tenant; the answer is its token. */
  async tenant(slug: string, flags: readonly string[] = []): Promise<string> {
    await this.installation.createTenant(slug, [], flags)
    return rotateToken(this.app.catalog, parseSlug(slug))
  }

  /** Adds a file's row, and the local file; the answer is its id. */
  async file(slug: string, given: Given): Promise<number> {
    const tenant = await getTenant(this.app.catalog, parseSlug(slug))
    const content = Buffer.from(given.content ?? `content of ${given.name}`)
    const name = parseMediaName(given.name)
    if (given.local !== false) {
      const path = this.pathOf(tenant.id, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
    }
    const state = given.state ?? 'hashed'
    const known = state === 'seen' ? null : content
    const row = {
      name,
      name_hash: hashName(name),
      state,
      state_at: 1,
      bytes: content.length,
      sha256: known && createHash('sha256').update(known).digest('hex'),
      md5: known && createHash('md5').update(known).digest('hex'),
      type: given.type === undefined ? 'image/png' : given.type,
      attempts: 0,
      created_at: 1,
    }
    return withTenant(this.app.catalog, tenant, tables =>
      tables.transaction(async tx => {
        const id = await tx.takeIds('media', 1)
        await tx.insert('media', [{ id, ...row }])
        return id
      }),
    )
  }

  pathOf(tenantId: number, name: string): string {
    return join(this.app.config.data, 'media', String(tenantId), name)
  }

  /** Sends the path as it is, which `fetch` would not. */
  ask(path: string, asking: Asking = {}): Promise<Answer> {
    return ask(this.api.url, path, asking)
  }

  async json<T>(path: string, token: string): Promise<T> {
    const { status, body } = await this.ask(path, { headers: { authorization: `Bearer ${token}` } })
    if (status !== 200) throw new Error(`${path} is answered with ${status}: ${body}`)
    return JSON.parse(body.toString()) as T
  }

  /** The link that the API gives to a file. */
  async linkTo(token: string, id: number): Promise<string> {
    return (await this.json<MediaJson>(`/v1/media/${id}`, token)).url
  }

  /** Writes what was counted of reads, and ends the API. */
  async stop(): Promise<void> {
    await this.api.stop(1000)
  }

  async reads(): Promise<Record<string, number>> {
    const rows = await this.app.catalog.kysely.selectFrom('media_reads').selectAll().execute()
    return Object.fromEntries(rows.map(row => [`${row.tenant_id} ${row.disk}`, row.reads]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.app[Symbol.asyncDispose]()
    await this.installation[Symbol.asyncDispose]()
  }
}

export function ask(origin: string, path: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Answer> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, method, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

export function errorCode(answer: Answer): string {
  return (JSON.parse(answer.body.toString()) as { code: string }).code
}
