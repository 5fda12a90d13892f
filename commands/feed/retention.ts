import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { count, counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import type { OwnPolicy, PolicyOrigin, RetentionView } from '../../src/feeds/retention-policy.js'
import { Failure } from '../../src/kernel/errors.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { registerPrune } from './prune.js'

const MOST_DAYS = 36_500
const MOST_POSTS = 10_000_000

interface RetentionFlags {
  days?: number
  posts?: number
  keepAll?: true
  default?: true
}

/** `feed retention` and `feed prune`. */
export function registerRetention(feed: Command, io: Io): void {
  const command = feed
    .command('retention')
    .description('show or set which posts pruning leaves, for a tenant or for one of its feeds')
    .argument('<tenant>')
    .argument('[feed]', 'id or URL; without it, what counts for all feeds of the tenant')
    .option(
      '--days <n>',
      'prune posts older than this, even those that the feed still lists; 0 keeps them',
      wholeNumber(0, MOST_DAYS),
    )
    .option('--posts <n>', 'leave this many of the newest posts of a feed; 0 leaves all', wholeNumber(0, MOST_POSTS))
    .option('--keep-all', 'prune nothing')
    .option('--default', 'as the tenant has it for all its feeds, or the settings for all tenants')
    .action(async (slug, named, options) => {
      const own = ownPolicy(options)
      await using app = await opening(io)
      await retention(app, io, slug, named ?? null, own)
    })
  examples(command, [
    'feedctl feed retention acme',
    'feedctl feed retention acme --days 90 --posts 1000',
    'feedctl feed retention acme https://example.com/feed.xml --keep-all',
  ])
  registerPrune(feed, io)
}

async function retention(app: App, io: Io, slug: string, named: string | null, own: Partial<OwnPolicy>): Promise<void> {
  const [{ setRetention, showRetention }, { getActiveTenant }, { parseSlug }] = await Promise.all([
    import('../../src/feeds/retention-policy.js'),
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  const find = () => getActiveTenant(app.catalog, parseSlug(slug))
  if (Object.keys(own).length > 0) await setRetention(app.catalog, await find(), named, own)
  io.print(await showRetention(app.catalog, app.config, await find(), named), asText)
}

/** What the flags say; empty when they say nothing. */
function ownPolicy({ days, posts, keepAll, default: asAbove }: RetentionFlags): Partial<OwnPolicy> {
  const limits = days !== undefined || posts !== undefined
  if ([limits, keepAll, asAbove].filter(Boolean).length > 1) {
    throw new Failure('USAGE', '--days and --posts, --keep-all and --default exclude each other', {
      hint: 'feedctl feed retention --help',
    })
  }
  if (keepAll) return { keepDays: 0, keepPosts: 0 }
  if (asAbove) return { keepDays: null, keepPosts: null }
  return { ...(days === undefined ? {} : { keepDays: days }), ...(posts === undefined ? {} : { keepPosts: posts }) }
}

function asText({ tenant, feed, keep, feeds }: RetentionView, style: Style): string {
  const whose = feed === null ? style.bold(tenant) : `${style.bold(tenant)} feed ${feed.id} ${feed.url}`
  const lines = [
    whose,
    `  age    ${keep.days === 0 ? 'kept whatever their age' : `pruned after ${counted(keep.days, 'day')}, even those that the feed still lists`} ${style.dim(`(${originWords(keep.daysFrom, 'FEEDCTL_KEEP_DAYS')})`)}`,
    `  count  ${keep.posts === 0 ? 'kept however many' : `the newest ${count(keep.posts)} of a feed stay`} ${style.dim(`(${originWords(keep.postsFrom, 'FEEDCTL_KEEP_POSTS')})`)}`,
  ]
  if (feeds.length === 0) return lines.join('\n')
  const limit = (value: number | null) => (value === 0 ? 'all' : value === null ? null : count(value))
  const rows = table(
    feeds,
    [
      { title: 'ID', cell: row => row.id },
      { title: 'URL', cell: row => row.url },
      { title: 'DAYS', cell: row => limit(row.keepDays), right: true },
      { title: 'POSTS', cell: row => limit(row.keepPosts), right: true },
    ],
    style,
  )
  return [...lines, '', 'Feeds with a policy of their own (- is as above):', rows].join('\n')
}

function originWords(origin: PolicyOrigin, setting: string): string {
  return origin === 'settings' ? setting : `set for the ${origin}`
}
