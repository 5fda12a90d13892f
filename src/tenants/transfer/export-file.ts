import { writeWhole } from '../../kernel/whole-file.js'
import type { Catalog } from '../catalog.js'
import type { Tenant } from '../tenant.js'
import { type Exported, type ExportOptions, exportTenant } from './export.js'

/** Only for who wrote it: everything that the tenant has is in it. */
const MODE = 0o600

/** `exportTenant` into a file, which is there only when it is whole. @throws {Failure} FILE_EXISTS unless `replace`, FILE_UNREADABLE, DISK_FULL */
export function exportTenantToFile(
  catalog: Catalog,
  tenant: Tenant,
  path: string,
  options: ExportOptions & { readonly replace: boolean },
): Promise<Exported> {
  return writeWhole(path, { replace: options.replace, mode: MODE }, file =>
    exportTenant(catalog, tenant, chunk => file.appendFile(chunk), options),
  )
}
