import { expect, it } from 'vitest'
import { readSetup } from '../../src/capacity/setup.js'
import { hashName, parseMediaName } from '../../src/media/names.js'
import type { MediaState } from '../../src/tenants/databases/index.js'
import { withTenant } from '../../src/tenants/tables.js'
import { temporaryFolder } from '../support/folders.js'
import { openInstallation, tenantIn } from '../tenants/installation.js'

it('media and tenants are here as long as one of them is, and nobody knows of tables that are behind', async () => {
  const installation = await openInstallation({
    ...{ FEEDCTL_DATA: temporaryFolder(), FILESYSTEM_DISK: 'wasabi', WASABI_BUCKET: 'b' },
    ...{ WASABI_ACCESS_KEY_ID: 'k', WASABI_SECRET_ACCESS_KEY: 's' },
  })
  const { catalog, config } = installation
  const look = async () => {
    const { hasMediaHere, tenantsHere } = await readSetup(catalog, config, null, Date.now())
    return [hasMediaHere, ...tenantsHere.map(({ host, tenants }) => `${tenants} on ${host}`)]
  }
  const tenantWith = async (slug: string, state: MediaState) => {
    const name = parseMediaName(`${slug}.png`)
    const row = {
      ...{ id: 1, name, name_hash: hashName(name), state, state_at: 1, bytes: 1, sha256: null, md5: null, type: 'image/png' },
      ...{ identity: null, etag: null, attempts: 0, delete_after: null, created_at: 1 },
    }
    const tables = await tenantIn(installation, slug, 'shared')
    await withTenant(catalog, tables, each => each.transaction(tx => tx.insert('media', [row])))
  }
  expect(await look()).toEqual([false])
  await tenantWith('served-by-bucket', 'switched')
  expect(await look()).toEqual([false, '1 on default'])
  await tenantWith('on-its-way', 'verified')
  expect(await look()).toEqual([true, '2 on default'])
  await catalog.kysely.updateTable('placements').set({ schema_version: 1 }).execute()
  expect(await look()).toEqual([null, '2 on default'])
})
