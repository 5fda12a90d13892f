import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import { type Config, loadConfig } from '../../src/kernel/config.js'
import { type Catalog, initCatalog } from '../../src/tenants/catalog.js'
import type { NewTenant } from '../../src/tenants/claim.js'
import { openServer } from '../../src/tenants/databases/index.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { createTenant } from '../../src/tenants/provision.js'
import type { RemovalTerms, RemoveMedia } from '../../src/tenants/removal.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { dropDatabases, sharedMariadbEnv, type TestEnv } from '../support/drivers.js'

export interface Installation {
  readonly config: Config
  readonly catalog: Catalog
  readonly prefix: string
}

/** The catalog of these settings, made when it is missing; another process, as far as it can tell. Closed when the test ends. */
export async function openInstallation(env: TestEnv): Promise<Installation> {
  const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
  const server = await openServer(config)
  onTestFinished(() => server.close())
  const { catalog } = await initCatalog(server, config)
  onTestFinished(() => catalog.hosts.close())
  return { config, catalog, prefix: config.databasePrefix }
}

export function wish(slug: string, placement: NewTenant['placement'] = 'dedicated'): NewTenant {
  return { slug: parseSlug(slug), name: slug, placement }
}

export async function tenantIn(
  { catalog, prefix }: Installation,
  slug: string,
  placement: NewTenant['placement'] = 'dedicated',
): Promise<Tenant> {
  return (await createTenant(catalog, prefix, wish(slug, placement), async () => null)).tenant
}

/** For tenants without media. */
export const noMedia: RemoveMedia = async () => ({ files: 0, bytes: 0, localFiles: 0, bucketObjects: 0, bucketForgotten: 0 })

/** For tenants of which nothing waits or is shared. `media`: for those that have some. */
export function removing(media: RemoveMedia = noMedia): RemovalTerms {
  return { parts: { media, jobs: null, keys: null, events: async () => {} }, by: 'a test' }
}

/** Runs the block once for each kind of database, where queues and caches make no difference; otherwise as `describeDrivers`. */
export function describeDatabases(title: string, block: (env: TestEnv, kind: 'sqlite' | 'mysql') => void): void {
  for (const kind of ['sqlite', 'mysql'] as const) {
    describe(`${title} (${kind})`, () => {
      const folder = join(tmpdir(), `feedctl-test-${randomBytes(6).toString('hex')}`)
      const env = { ...(kind === 'mysql' ? sharedMariadbEnv() : {}), FEEDCTL_DATA: folder }
      beforeAll(() => void mkdirSync(folder))
      afterAll(async () => {
        rmSync(folder, { recursive: true, force: true })
        if (kind === 'mysql') await dropDatabases(env)
      })
      block(env, kind)
    })
  }
}
