import type { Catalog } from '../tenants/catalog.js'
import { type AlertRow, readAlertRows, removeAlertRow, writeAlertRow } from './alert-rows.js'

/**
 * The alerts that stand: the rows of the catalog, and what of them is remembered while the catalog does not answer. `own`: those that are
 * never written, and are this process's business only.
 */
export class AlertBook {
  private readonly remembered = new Map<string, AlertRow>()
  /** What the catalog has not taken yet. */
  private readonly unwritten = new Set<string>()

  constructor(
    private readonly catalog: Catalog,
    private readonly own: (name: string) => boolean,
  ) {}

  /** Brings the catalog up to what is remembered, and reads it. @throws {Failure} UNAVAILABLE, and all is remembered as it was */
  async load(): Promise<void> {
    for (const name of [...this.unwritten]) {
      await this.write(name)
      this.unwritten.delete(name)
    }
    const rows = await readAlertRows(this.catalog)
    this.forgetShared()
    for (const row of rows) if (!this.unwritten.has(row.name)) this.remembered.set(row.name, row)
  }

  rows(): AlertRow[] {
    return [...this.remembered.values()]
  }

  /** Leaves the rows of the catalog to another process. */
  leave(): void {
    this.unwritten.clear()
    this.forgetShared()
  }

  async put(row: AlertRow): Promise<void> {
    this.remembered.set(row.name, row)
    await this.change(row.name)
  }

  async remove(name: string): Promise<void> {
    this.remembered.delete(name)
    await this.change(name)
  }

  private async change(name: string): Promise<void> {
    if (this.own(name)) return
    this.unwritten.add(name)
    // What fails is remembered, and written when the catalog is loaded next.
    await this.write(name).then(
      () => this.unwritten.delete(name),
      () => {},
    )
  }

  private async write(name: string): Promise<void> {
    const row = this.remembered.get(name)
    await (row === undefined ? removeAlertRow(this.catalog, name) : writeAlertRow(this.catalog, row))
  }

  private forgetShared(): void {
    for (const name of this.remembered.keys()) if (!this.own(name) && !this.unwritten.has(name)) this.remembered.delete(name)
  }
}
