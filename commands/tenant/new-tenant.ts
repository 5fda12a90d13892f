import { resolve } from 'node:path'
import type { App } from '../../src/app.js'
import type { Io } from '../../src/cli/io.js'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import type { NewTenant } from '../../src/tenants/claim.js'
import { parseSlug, parseTenantName } from '../../src/tenants/ids.js'

/** What is wanted of one tenant or of all that name nothing else. */
export interface CreateOptions {
  name?: string
  placement?: string
  host?: string
  region?: string
  feed?: string[]
  opml?: string
  from?: string
  count?: number
  prefix?: string
  dbUser?: boolean
}

/** A tenant as an operator names it; what is null is as the options say. */
export interface NamedTenant {
  readonly slug: string
  readonly name: string
  readonly placement: string | null
  readonly host: string | null
  readonly region: string | null
}

/** @throws {Failure} SLUG_INVALID, USAGE */
export function newTenant({ config }: Pick<App, 'config'>, named: NamedTenant, options: CreateOptions): NewTenant {
  const placement = named.placement ?? options.placement ?? config.placement
  if (placement !== 'dedicated' && placement !== 'shared')
    throw new Failure('USAGE', `placement ${JSON.stringify(placement)} is not dedicated or shared`, {
      hint: '--placement dedicated',
    })
  const where = named.host === null && named.region === null ? options : named
  const { host = null, region = null } = where
  return { slug: parseSlug(named.slug), name: parseTenantName(named.name), placement, host, region }
}

/** The feeds that the flags name. @throws {Failure} URL_INVALID; FILE_UNREADABLE, OPML_TOO_LARGE, OPML_INVALID */
export async function wishesOf(options: CreateOptions, io: Io): Promise<FeedWish[]> {
  const { parseFeedUrl } = await import('../../src/feeds/urls.js')
  const named = (options.feed ?? []).map(url => ({ url: parseFeedUrl(url), title: null }))
  if (options.opml === undefined) return named
  const { readOpmlFile } = await import('../feed/opml-file.js')
  return [...named, ...(await readOpmlFile(resolve(io.cwd, options.opml)))]
}
