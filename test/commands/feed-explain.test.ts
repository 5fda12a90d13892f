import { beforeAll, expect, it } from 'vitest'
import { widthOf } from '../../src/cli/width.js'
import { churnAlert } from '../../src/feeds/alert.js'
import { nextCheck, writeReasons } from '../../src/feeds/schedule.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { runCli } from '../support/cli.js'
import { describeDatabases, openInstallation } from '../tenants/installation.js'

const URL = 'https://a.example/feed'

describeDatabases('feedctl feed explain', env => {
  const cli = (...argv: string[]) => runCli(argv, { env })
  const onScreen = (...argv: string[]) => runCli(argv, { env: { ...env, NO_COLOR: '1' }, tty: { columns: 80 } })
  const update = async (changes: Record<string, string | number | null>) => {
    const { catalog } = await openInstallation(env)
    await catalog.kysely.updateTable('sources').set(changes).where('url', '=', URL).execute()
  }
  beforeAll(async () => {
    await cli('init')
    await cli('tenant', 'create', 'acme', '--placement', 'shared')
    await cli('feed', 'add', 'acme', URL, '--unseen')
  })

  it('says of a feed never asked that it is due', async () => {
    const { exit, out } = await cli('feed', 'explain', 'acme', '1')
    expect(exit).toBe(0)
    expect(out).toMatch(
      /^https:\/\/a\.example\/feed\nfeed +1 of acme\nurl +https:\/\/a\.example\/feed\nsource +new\nnext check +due now: never asked\nposts +0\n$/,
    )
  })

  it('says when it is asked next, and every reason, in 80 columns', async () => {
    const now = Date.now()
    const rhythm = { ttlMinutes: 90, updateMinutes: 60, skipHours: [], skipDays: [], postIntervalMs: 7_200_000 }
    const facts = {
      outcome: 'unchanged',
      failureCount: 0,
      code: null,
      retryAfterS: null,
      cacheMaxAgeS: 600,
      rhythm,
      unchangedSinceMs: 9e6,
      now,
    } as const
    const { atMs, reasons } = nextCheck(facts, 0.5)
    await update({
      checked_at: now,
      changed_at: now - 9e6,
      next_check_at: atMs,
      next_check_why: writeReasons(reasons),
      etag: '"x"',
      version: 'v',
    })
    const { out } = await onScreen('feed', 'explain', 'acme', URL)
    expect(out).toMatch(/next check +\d{4}-\d\d-\d\d \d\d:\d\d UTC \(in 1 h 3\d min\), by the first sync from then on\n/)
    expect(out).toMatch(/checked +.* ago\): unchanged\n/)
    expect(out).toMatch(/validators +ETag\n/)
    expect(out).toContain('the newest version comes with the next sync')
    expect(out.split('\n').filter(line => line.startsWith('>'))).toEqual([
      expect.stringMatching(/^> {2}ttl +1 h 30 min {2}the feed asks for it \(ttl\)$/),
    ])
    for (const code of ['update-period', 'cache', 'posting-rate', 'quiet', 'jitter'])
      expect(out).toMatch(new RegExp(`^ {3}${code} +\\+?\\d.* [a-z]+`, 'm'))
    expect(out.split('\n').filter(line => widthOf(line) > 80 || line.includes('…'))).toEqual([])
  })

  it('is one JSON document for scripts', async () => {
    const document = JSON.parse((await cli('feed', 'explain', 'acme', '1', '--json')).out)
    expect(Object.keys(document)).toEqual(['feed', 'source', 'next'])
    expect(document.next.at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
    expect(document.next.reasons).toContainEqual({ code: 'ttl', ms: 5_400_000, words: expect.any(String), decides: true })
    expect(document.source).toMatchObject({
      url: URL,
      state: 'active',
      outcome: 'unchanged',
      etag: '"x"',
      moved_count: 0,
      failure: null,
    })
  })

  it.each<[string, Record<string, string | number | null>, RegExp]>([
    [
      'failing',
      { failure_code: 'FEED_TIMEOUT', failure_message: 'no \u001b[31manswer', failure_count: 3 },
      /source +failing, 3 checks in a row\nchecked +.*: no \\u001b\[31manswer \(FEED_TIMEOUT\)\n/,
    ],
    [
      'moving',
      { failure_code: null, moved_to: 'https://b.example/', moved_count: 2 },
      /source +moving to https:\/\/b\.example\/, seen 2 of 3 times\n/,
    ],
    ['cut', { notices: '[{"code":"POSTS_CUT","message":"only 1,000 posts"}]' }, /\nnote: only 1,000 posts \(POSTS_CUT\)\n/],
    [
      'retired',
      { failure_code: 'FEED_GONE', retired_at: 1 },
      /source +retired: gone for good, said .* ago; `feedctl sync --force` asks again\n(?:.*\n)*next check +never\n/,
    ],
  ])('says of one that is %s what an operator should know', async (_what, changes, words) => {
    await update(changes)
    expect((await cli('feed', 'explain', 'acme', '1')).out).toMatch(words)
  })

  it('list shows how feeds stand in 80 columns, whatever their length', async () => {
    const { out } = await onScreen('feed', 'list', 'acme')
    expect(out).toMatch(/^ID +TITLE +URL +CHECKED +NEXT +STATE\n 1 +- +a\.example\/feed +\d+m ago +never +retired\n$/)
    await cli('feed', 'add', 'acme', `https://${'long.'.repeat(20)}example/${'feed/'.repeat(30)}`, '--unseen')
    await update({
      retired_at: null,
      moved_to: null,
      failure_code: 'FEED_HTTP_STATUS',
      next_check_at: Date.now() + 3 * 86_400_000,
    })
    const narrow = (await onScreen('feed', 'list', 'acme')).out
    expect(narrow.split('\n').every(line => widthOf(line) <= 80)).toBe(true)
    expect(narrow).toMatch(/in 2d {2}FEED_HTTP_STATUS\n/)
    expect(narrow).toMatch(/\n 2 +- +long\.long\..*… +- +due {2}new\n/)
  })

  it('shows the alert of a feed, in the list too', async () => {
    const { catalog } = await openInstallation(env)
    const alert = churnAlert(9, 10, Date.now())
    await withTenant(catalog, await getTenant(catalog, parseSlug('acme')), tables =>
      tables.transaction(tx => tx.updateFeeds().set({ alert }).where('id', '=', 2).execute()),
    )
    expect((await cli('feed', 'explain', 'acme', '2')).out).toMatch(/\nnote: 9 of 10 entries .* \(GUID_CHURN\)\n/)
    expect((await cli('feed', 'list', 'acme')).out).toMatch(/\n 1 .* FEED_HTTP_STATUS\n 2 .* GUID_CHURN, new\n$/)
    const { feeds } = JSON.parse((await cli('feed', 'list', 'acme', '--json')).out)
    expect(feeds[1].alert).toEqual({ code: 'GUID_CHURN', message: expect.any(String), at: expect.stringMatching(/Z$/) })
  })

  it('breaks lines between words, and no URL', async () => {
    const url = `https://a.example/${'long-'.repeat(20)}feed`
    await cli('feed', 'add', 'acme', url, '--unseen')
    const { catalog } = await openInstallation(env)
    const words = `no answer ${'in a long while '.repeat(10)}`.trim()
    const notices = JSON.stringify([{ code: 'POSTS_CUT', message: words }])
    await catalog.kysely
      .updateTable('sources')
      .set({ checked_at: Date.now(), failure_code: 'FEED_TIMEOUT', failure_message: words, failure_count: 3, notices })
      .where('url', '=', url)
      .execute()
    const { out } = await onScreen('feed', 'explain', 'acme', url)
    const lines = out.split('\n')
    expect(lines.filter(line => widthOf(line) > 80).map(line => line.trim().split(/ +/).at(-1))).toEqual([url, url])
    expect(lines.filter(line => / $/.test(line))).toEqual([])
    expect(out.replace(/\n +/g, ' ')).toContain(`ago): ${words} (FEED_TIMEOUT)`)
    expect(out.replaceAll('\n', ' ')).toContain(`note: ${words} (POSTS_CUT)`)
    const indent = (lines.find(line => line.startsWith('checked')) ?? '').search(/\S+ \S+ UTC/)
    const next = lines[lines.findIndex(line => line.startsWith('checked')) + 1] ?? ''
    expect([indent > 8, next.search(/\S/)]).toEqual([true, indent])
    expect((await cli('feed', 'explain', 'acme', url)).out).toContain(`${words} (FEED_TIMEOUT)\n`)
  })

  it('refuses what the tenant has not', async () => {
    expect(await cli('feed', 'explain', 'acme', '9')).toEqual({
      exit: 4,
      out: '',
      err: 'error: tenant acme has no feed 9 (FEED_NOT_FOUND)\n  try: feedctl feed list acme\n',
    })
    expect((await cli('feed', 'explain', 'nobody', '1')).err).toContain('(TENANT_NOT_FOUND)')
  })
})
