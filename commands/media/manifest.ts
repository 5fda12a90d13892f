import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { bytes, counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { showControls } from '../../src/cli/width.js'
import type { Config } from '../../src/kernel/config.js'
import { Failure, wordsOf } from '../../src/kernel/errors.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'

export function registerManifest(media: Command, io: Io): void {
  const command = media
    .command('manifest')
    .description("write a signed list of a tenant's files: SHA-256, bytes and name of each")
    .argument('<tenant>', 'tenant slug')
    .option('--out <file>', 'write it into this file, whole or not at all (default: stdout)')
    .action((slug, { out }) => writeManifest(io, slug, out))
  examples(command, [
    'feedctl media manifest acme --out acme.manifest',
    'feedctl media manifest acme > acme.manifest',
    'feedctl media verify --manifest acme.manifest',
  ])
}

async function writeManifest(io: Io, slug: string, out: string | undefined): Promise<void> {
  await using app = await opening(io)
  const key = signingKey(app.config)
  const [{ tenantsNamed }, { manifestOf }, { withTenant }] = await Promise.all([
    import('../../src/media/media-tenants.js'),
    import('../../src/media/manifest/write.js'),
    import('../../src/tenants/tables.js'),
  ])
  for (const tenant of await tenantsNamed(app.catalog, [slug])) {
    const head = { tenantId: tenant.id, slug: tenant.slug, catalogId: app.catalog.id, createdAt: Date.now() }
    const pieces = manifestOf(head, deed => withTenant(app.catalog, tenant, deed, io.signal), key)
    if (out === undefined) await pour(pieces, async text => io.write(text))
    else {
      const path = resolve(io.cwd, out)
      const sum = await writingWhole(path, file => pour(pieces, async text => void (await file.write(text))))
      io.print(
        { tenant: tenant.slug, out: path, createdAt: head.createdAt, ...sum },
        ({ files, bytes: size, unhashed }) =>
          `${showControls(path)}: ${counted(files, 'file')} (${bytes(size)}) of ${slug}${unhashed > 0 ? `; ${counted(unhashed, 'file')} not hashed yet` : ''}`,
      )
    }
  }
}

/** @throws {Failure} CONFIG_INVALID where no key is set */
export function signingKey({ mediaKey }: Config): string {
  if (mediaKey !== null) return mediaKey
  throw new Failure('CONFIG_INVALID', 'a manifest is signed, and there is no key', {
    hint: 'set FEEDCTL_MEDIA_KEY to 16 characters or more, such as `openssl rand -hex 32` gives',
  })
}

/** What the generator answers at its end. */
async function pour<Sum>(pieces: AsyncGenerator<string, Sum>, write: (text: string) => Promise<void>): Promise<Sum> {
  for (;;) {
    const { done, value } = await pieces.next()
    if (done) return value
    await write(value)
  }
}

/** The file is there when everything is in it; one that was there is replaced. @throws {Failure} FILE_UNREADABLE where it cannot be written */
async function writingWhole<T>(path: string, deed: (file: FileHandle) => Promise<T>): Promise<T> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  const refused = (error: unknown) => {
    if (error instanceof Failure || !(error instanceof Error) || !('syscall' in error)) return error
    return new Failure('FILE_UNREADABLE', `cannot write ${path}: ${wordsOf(error)}`, { cause: error })
  }
  const file = await open(aside, 'wx').catch(error => Promise.reject(refused(error)))
  try {
    const result = await deed(file)
    await file.sync()
    await file.close()
    await rename(aside, path)
    return result
  } catch (error) {
    await file.close().catch(() => {})
    await rm(aside, { force: true })
    throw refused(error)
  }
}
