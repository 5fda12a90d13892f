import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { App } from '../../src/app.js'
import type { Io } from '../../src/cli/io.js'
import { readVersion } from '../../src/cli/version.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Dump } from '../../src/tenants/removal.js'
import type { Tenant } from '../../src/tenants/tenant.js'

/** @throws {Failure} FILE_EXISTS: a dump is never written over, it may be all that is left of another tenant */
export function dumpPath(io: Io, named: string): string {
  const path = resolve(io.cwd, named)
  if (existsSync(path)) throw new Failure('FILE_EXISTS', `there is a file ${path}`, { hint: 'name another file for the dump' })
  return path
}

/** Writes all that the tenant has to the file, whole or not at all. */
export async function dumpTenant(app: App, io: Io, tenant: Tenant, file: string): Promise<Dump> {
  const { exportTenantToFile } = await import('../../src/tenants/transfer/export-file.js')
  const progress = io.progress('rows')
  progress.start(0)
  const options = { signal: io.signal, version: readVersion(), progress: (rows: number) => progress.update(rows), replace: false }
  const { bytes, sha256 } = await exportTenantToFile(app.catalog, tenant, file, options).finally(() => progress.stop())
  return { file, bytes, sha256 }
}
