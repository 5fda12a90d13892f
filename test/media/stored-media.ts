import { createHash } from 'node:crypto'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { Bucket, Disks, Source } from '../../src/media/disks/driver.js'
import { openDisks } from '../../src/media/disks/index.js'
import { identityOf } from '../../src/media/identity.js'
import { hashName, mediaKey, parseMediaName } from '../../src/media/names.js'
import type { MediaState } from '../../src/tenants/databases/index.js'
import { withTenant } from '../../src/tenants/tables.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import type { TestEnv } from '../support/drivers.js'
import { type Installation, openInstallation, tenantIn } from '../tenants/installation.js'

export interface StoredFile {
  readonly name: string
  readonly content: Buffer
  readonly state?: MediaState
  /** What the local disk has under the name; null for nothing. */
  readonly local?: Buffer | null
  /** What the bucket has under the key; null for nothing. */
  readonly object?: Buffer | null
  /** As the journal has it. */
  readonly etag?: string
}

const { signal } = new AbortController()
const LOCAL_STATES: ReadonlySet<MediaState> = new Set([
  'seen',
  'hashed',
  'uploading',
  'uploaded',
  'verified',
  'switched',
  'grace',
])

/** Media of tenants as intake and the migration leave it: rows, objects and local files. Closed when the test ends. */
export class StoredMedia {
  private constructor(
    private readonly installation: Installation,
    private readonly disks: Disks & { readonly wasabi: Bucket },
  ) {}

  static async open(env: TestEnv): Promise<StoredMedia> {
    const installation = await openInstallation(env)
    const disks = await openDisks(installation.config)
    const { local, wasabi } = disks
    if (wasabi === null) throw new Error('these settings name no bucket')
    onTestFinished(async () => void (await Promise.all([local.close(), wasabi.close()])))
    return new StoredMedia(installation, { ...disks, wasabi })
  }

  get catalog() {
    return this.installation.catalog
  }

  get bucket(): Bucket {
    return this.disks.wasabi
  }

  tenant(slug: string): Promise<Tenant> {
    return tenantIn(this.installation, slug, 'shared')
  }

  pathOf(tenant: Tenant, name: string): string {
    return join(this.disks.local.folder, String(tenant.id), name)
  }

  /** An object, whoever put it there. */
  async putObject(tenant: Tenant, name: string, content: Buffer): Promise<string> {
    const facts = { type: 'image/png', md5: digest('md5', content), sha256: digest('sha256', content) }
    const { etag } = await this.bucket.put(mediaKey(tenant.id, parseMediaName(name)), held(content), facts, signal)
    return etag ?? ''
  }

  async removeObject(tenant: Tenant, name: string): Promise<void> {
    await this.bucket.remove([mediaKey(tenant.id, parseMediaName(name))], signal)
  }

  /** By default files without a local copy: `deleted`. */
  async store(tenant: Tenant, files: readonly StoredFile[]): Promise<void> {
    const rows = await Promise.all(files.map(file => this.place(tenant, file)))
    await withTenant(this.catalog, tenant, tables =>
      tables.transaction(async tx => {
        const first = await tx.takeIds('media', rows.length)
        await tx.insert(
          'media',
          rows.map((row, index) => ({ id: first + index, ...row })),
        )
      }),
    )
  }

  /** Both copies; answers the row. */
  private async place(tenant: Tenant, file: StoredFile) {
    const { name, content, state = 'deleted' } = file
    const object = file.object === undefined ? content : file.object
    const local = file.local === undefined ? (LOCAL_STATES.has(state) ? content : null) : file.local
    const stored = object === null ? null : await this.putObject(tenant, name, object)
    const path = this.pathOf(tenant, name)
    if (local !== null) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, local)
    }
    const hashed = state !== 'seen'
    return {
      name,
      name_hash: hashName(parseMediaName(name)),
      state,
      state_at: 1,
      bytes: content.length,
      sha256: hashed ? digest('sha256', content) : null,
      md5: hashed ? digest('md5', content) : null,
      type: 'image/png',
      identity: local === null ? null : identityOf(statSync(path, { bigint: true })),
      etag: file.etag ?? (object === content ? stored : digest('md5', content)),
      attempts: 0,
      delete_after: state === 'grace' ? Date.now() + 3_600_000 : null,
      created_at: 1,
    }
  }

  rows(tenant: Tenant) {
    return withTenant(this.catalog, tenant, tables => tables.media().selectAll().orderBy('id').execute())
  }
}

export function digest(algorithm: 'md5' | 'sha256', content: Buffer): string {
  return createHash(algorithm).update(content).digest('hex')
}

export function files(count: number, bytes = 100): { name: string; content: Buffer }[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `pictures/${index}.png`,
    content: Buffer.alloc(bytes, `picture ${index} `),
  }))
}

function held(content: Buffer): Source {
  return { bytes: content.length, whole: content, open: (from, to) => Readable.from([content.subarray(from, to)]) }
}
