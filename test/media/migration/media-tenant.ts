import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GetObjectCommand, ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { runCli } from '../../support/cli.js'
import type { TestEnv } from '../../support/drivers.js'
import { type S3Place, s3Client } from '../../support/s3-place.js'

export interface MigrationJson {
  readonly files: { total: number; migrated: number; skipped: number; failed: number; vanished: number }
  readonly bytes: number
  readonly failures: readonly { tenant: string; name: string | null; code: string; message: string }[]
  readonly ignored: number
  readonly concurrency: { start: number; end: number; reasons: readonly { from: number; to: number; why: string }[] }
}

/** A tenant with files in its local folder, and the bucket as somebody else sees it. */
export class MediaTenant {
  private constructor(
    readonly env: TestEnv,
    readonly slug: string,
    readonly id: number,
    private readonly place: S3Place,
  ) {}

  /** `env`: with a data folder and a database of its own. */
  static async create(env: TestEnv, place: S3Place, slug: string): Promise<MediaTenant> {
    // Installations of several tests share a bucket.
    const all = { FEEDCTL_MEDIA_PREFIX: `p${randomBytes(6).toString('hex')}`, ...env, ...place.env }
    const init = await runCli(['init'], { env: all })
    if (init.exit !== 0) throw new Error(init.err)
    const { out, err } = await runCli(['tenant', 'create', slug, '--json'], { env: all })
    if (out === '') throw new Error(err)
    return new MediaTenant(all, slug, JSON.parse(out).tenant.id, place)
  }

  get folder(): string {
    return join(this.env.FEEDCTL_DATA ?? '', 'media', String(this.id))
  }

  write(name: string | Buffer, content: string | Buffer): void {
    const path = Buffer.concat([Buffer.from(`${this.folder}/`), Buffer.from(name)])
    mkdirSync(Buffer.isBuffer(name) ? this.folder : dirname(path.toString()), { recursive: true })
    writeFileSync(path, content)
  }

  /** The same small files at every call. */
  writeMany(count: number, bytes = 2_000): void {
    for (let index = 0; index < count; index++) this.write(`d${index % 5}/f${index}.jpg`, contentOf(index, bytes))
  }

  cli(argv: readonly string[], env: Readonly<Record<string, string>> = {}, signal?: AbortSignal) {
    return runCli(argv, { env: { ...this.env, ...env }, ...(signal === undefined ? {} : { signal }) })
  }

  async migrate(flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}, signal?: AbortSignal) {
    const end = await this.cli(['media', 'migrate-to-wasabi', this.slug, '--json', ...flags], env, signal)
    return { ...end, report: (end.out === '' ? null : JSON.parse(end.out)) as MigrationJson }
  }

  /** Its rows, name by name. */
  async states(): Promise<Record<string, string>> {
    const { out } = await this.cli(['media', 'list', this.slug, '--limit', '10000', '--json'])
    return Object.fromEntries(JSON.parse(out).media.map((row: { name: string; state: string }) => [row.name, row.state]))
  }

  /** SHA-256 of each object of the tenant in the bucket, by name. */
  async objects(place = this.place): Promise<Record<string, string>> {
    const client = s3Client(place)
    const prefix = `${this.env.FEEDCTL_MEDIA_PREFIX}/${this.id}/`
    try {
      const found: Record<string, string> = {}
      for (let after: string | undefined = ''; after !== undefined; ) {
        const page: ListObjectsV2CommandOutput = await client.send(
          new ListObjectsV2Command({
            Bucket: place.bucket,
            Prefix: prefix,
            ...(after === '' ? {} : { ContinuationToken: after }),
          }),
        )
        for (const { Key = '' } of page.Contents ?? []) {
          const object = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key }))
          found[Key.slice(prefix.length)] = sha256((await object.Body?.transformToByteArray()) ?? new Uint8Array())
        }
        after = page.NextContinuationToken
      }
      return found
    } finally {
      client.destroy()
    }
  }
}

export function contentOf(seed: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, createHash('sha512').update(String(seed)).digest())
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
