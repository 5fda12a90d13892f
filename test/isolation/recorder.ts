import { relative, resolve } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { TenantRows } from '../../src/tenants/tenant-rows.js'
import { TenantWriter } from '../../src/tenants/tenant-writer.js'
import { QUERY_METHODS, type QuerySite } from './query-sites.js'

const ROOT = resolve(import.meta.dirname, '../..')
type Method = (this: unknown, ...given: unknown[]) => unknown

/** Where the queries on tenants' rows began that were made while the tests of this file ran. */
export function recordSites(): ReadonlySet<QuerySite> {
  const ran = new Set<QuerySite>()
  const originals: (() => void)[] = []
  beforeAll(() => {
    for (const { prototype } of [TenantRows, TenantWriter] as { prototype: object }[])
      for (const name of QUERY_METHODS.filter(method => Object.hasOwn(prototype, method))) {
        const methods = prototype as Record<string, Method>
        const original = methods[name] as Method
        methods[name] = function (...given) {
          const place = callerOf(new Error())
          if (place !== null) ran.add(`${place} ${name}`)
          return original.apply(this, given)
        }
        originals.push(() => {
          methods[name] = original
        })
      }
  })
  afterAll(() => {
    for (const restore of originals) restore()
  })
  return ran
}

/** `src/feeds/store.ts:61`; null for what is not ours. */
function callerOf({ stack = '' }: Error): string | null {
  const line = stack.split('\n')[2] ?? ''
  const [, path, number] = /\(?(?:file:\/\/)?(\/[^():]+):(\d+):\d+\)?$/.exec(line) ?? []
  return path === undefined ? null : `${relative(ROOT, path)}:${number}`
}
