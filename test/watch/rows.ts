import type { Insertable } from 'kysely'
import { onTestFinished } from 'vitest'
import { type App, openApp } from '../../src/app.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { initCatalog } from '../../src/tenants/catalog.js'
import { insertRows, openServer, type SourcesTable, type TenantsTable } from '../../src/tenants/databases/index.js'
import type { TestEnv } from '../support/drivers.js'

/** The parts of an installation whose catalog is made when it is missing. Closed when the test ends. `log`: gets each line. */
export async function openParts(env: TestEnv, log: (line: string) => void = () => {}): Promise<App> {
  const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
  const server = await openServer(config)
  await initCatalog(server, config)
  await server.close()
  const app = await openApp(config, new Log(log))
  onTestFinished(() => app[Symbol.asyncDispose]())
  return app
}

/** Empties what is looked at here. */
export async function clear({ catalog }: App): Promise<void> {
  for (const table of ['tenants', 'sources', 'runs', 'run_tenants', 'alerts', 'locks'] as const)
    await catalog.kysely.deleteFrom(table).execute()
}

export type TenantFacts = Partial<Omit<Insertable<TenantsTable>, 'id'>> & { readonly id: number }

/** Tenants as the catalog has them: `t-<id>`, active. */
export async function addTenants({ catalog }: App, tenants: readonly TenantFacts[]): Promise<void> {
  const rows = tenants.map(facts => ({
    slug: `t-${facts.id}`,
    name: 'T',
    state: 'active' as const,
    placement_id: 1,
    paused_at: null,
    next_sync_at: null,
    synced_at: null,
    sync_ms: null,
    sync_failures: 0,
    sync_feeds_failed: 0,
    created_at: 1_000,
    updated_at: 1_000,
    ...facts,
  }))
  await insertRows(catalog.database, 'tenants', rows as never)
}

export async function addSources({ catalog }: App, sources: readonly Partial<Insertable<SourcesTable>>[]): Promise<void> {
  const rows = sources.map((facts, index) => ({
    url: `https://publisher.test/${index}`,
    url_hash: `hash-${index}`,
    next_check_at: 0,
    quiet_until: null,
    merged_into: null,
    retired_at: null,
    failure_code: null,
    failure_count: 0,
    moved_count: 0,
    created_at: 1_000,
    ...facts,
  }))
  await insertRows(catalog.database, 'sources', rows as never)
}

export type PartState = 'queued' | 'running' | 'ok' | 'failed' | 'skipped'

/** A run with a tenant for each of the states, numbered from 1. */
export async function addRun(
  { catalog }: App,
  id: string,
  startedAt: number,
  states: readonly PartState[],
  closedAt: number | null = null,
): Promise<void> {
  await insertRows(catalog.database, 'runs', [{ id, forced: 0, scheduled: 0, started_at: startedAt, finished_at: closedAt }])
  const parts = states.map((state, index) => ({
    run_id: id,
    tenant_id: index + 1,
    state,
    finished_at: state === 'queued' || state === 'running' ? null : startedAt + index + 1,
  }))
  await insertRows(catalog.database, 'run_tenants', parts as never)
}
