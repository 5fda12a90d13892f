import type { Catalog } from '../tenants/catalog.js'
import { insertRows } from '../tenants/databases/index.js'
import type { StandingAlert } from './overview.js'

/** More do not stand at once. */
const MOST = 200

/** An alert that stands, and how far it was told. Times are epoch ms. */
export interface AlertRow extends StandingAlert {
  /** When it was last told; null when it never reached anyone. */
  readonly toldAt: number | null
  /** How often it was told. */
  readonly told: number
}

/** The oldest first. */
export async function standingAlerts(catalog: Catalog): Promise<StandingAlert[]> {
  const rows = await readAlertRows(catalog)
  return rows.map(({ name, message, since }) => ({ name, message, since }))
}

export async function readAlertRows(catalog: Catalog): Promise<AlertRow[]> {
  const rows = await catalog.kysely.selectFrom('alerts').selectAll().orderBy('since').orderBy('name').limit(MOST).execute()
  return rows.map(({ name, message, since, sent_at, sent }) => ({ name, message, since, toldAt: sent_at, told: sent }))
}

export async function writeAlertRow(catalog: Catalog, row: AlertRow): Promise<void> {
  const { name, message, since, toldAt, told } = row
  await insertRows(catalog.database, 'alerts', [{ name, message, since, sent_at: toldAt, sent: told }], {
    key: ['name'],
    replace: ['message', 'since', 'sent_at', 'sent'],
  })
}

export async function removeAlertRow(catalog: Catalog, name: string): Promise<void> {
  await catalog.kysely.deleteFrom('alerts').where('name', '=', name).execute()
}
