import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openPublisher } from '../feeds/fetch/publisher.js'
import { BIN, runNode } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { describeDatabases, openInstallation } from '../tenants/installation.js'

const FEEDS = ['https://a.example/feed', 'https://b.example/feed']
const OPML = `<opml version="2.0"><body>${FEEDS.map(url => `<outline xmlUrl="${url}"/>`).join('')}</body></opml>`

describeDatabases('feedctl tenant create', env => {
  const cli = (argv: readonly string[], cwd?: string) => runCli(argv, { env, ...(cwd === undefined ? {} : { cwd }) })
  const create = (...argv: string[]) => cli(['tenant', 'create', ...argv])
  const slugsFrom = async (start: string) => {
    const { tenants } = JSON.parse((await cli(['tenant', 'list', '--json', '--limit', '10000'])).out) as {
      tenants: { slug: string }[]
    }
    return tenants.map(tenant => tenant.slug).filter(slug => slug.startsWith(start))
  }
  const show = async (slug: string) => JSON.parse((await cli(['tenant', 'show', slug, '--json'])).out || '{"tenant":null}').tenant
  beforeAll(async () => {
    await cli(['init'])
  })

  it('answers with the tenant, its token and how many feeds it has', async () => {
    const { exit, out } = await create('acme', '--name', ' Acme ', '--feed', ...FEEDS, '--json')
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      tenant: {
        id: expect.any(Number),
        slug: 'acme',
        name: 'Acme',
        state: 'active',
        placement: { kind: 'dedicated', host: 'default' },
      },
      token: expect.stringMatching(/^fct_/),
      feeds: 2,
      duration_ms: expect.any(Number),
    })
  })

  it('subscribes without a look at the feeds, as its help says', async () => {
    const publisher = await openPublisher({})
    onTestFinished(() => publisher.close())
    const { exit } = await runCli(['tenant', 'create', 'offline', '--feed', `${publisher.url}/page`], {
      env: { ...env, FEEDCTL_FETCH_ALLOW: '127.0.0.1' },
    })
    expect([exit, publisher.seen]).toEqual([0, []])
    expect((await create('--help')).out.replace(/\s+/g, ' ')).toContain('not looked at, as `feedctl feed add` does')
  })

  it('says in words what it made', async () => {
    const { out } = await create('words', '--placement', 'shared')
    expect(out).toMatch(
      /^created tenant words \(shared, default\/\w+_shared_1\) with 0 feeds in .*\nAPI token, shown once: fct_[\w-]+\n$/,
    )
  })

  it('places by the setting when no flag says where', async () => {
    await runCli(['tenant', 'create', 'placed'], { env: { ...env, FEEDCTL_PLACEMENT: 'shared' } })
    expect((await show('placed')).placement.kind).toBe('shared')
  })

  it.each(['dedicated', 'shared'])('refuses a second time and keeps the data (%s)', async placement => {
    const slug = `twice-${placement}`
    await create(slug, '--placement', placement, '--feed', ...FEEDS)
    const before = await show(slug)
    const { exit, out, err } = await create(slug, '--placement', placement, '--name', 'Other', '--feed', 'https://c.example/')
    expect({ exit, out, err }).toEqual({
      exit: 4,
      out: '',
      err: `error: tenant ${slug} exists (active) (TENANT_EXISTS)\n  try: feedctl tenant show ${slug}\n`,
    })
    expect(await show(slug)).toEqual(before)
  })

  it.each([
    [['a_b'], 2, 'SLUG_INVALID'],
    [['ok', '--placement', 'cloud'], 2, 'USAGE'],
    [['ok', '--name', ' '], 2, 'USAGE'],
    [['ok', '--name', 'x'.repeat(201)], 2, 'USAGE'],
    [['ok', '--host', 'other'], 4, 'HOST_NOT_FOUND'],
    [['ok', '--feed', 'ftp://x.example/'], 4, 'URL_INVALID'],
    [['ok', '--opml', 'missing.opml'], 4, 'FILE_UNREADABLE'],
    [['ok', '--count', '3'], 2, 'USAGE'],
    [['--count', '0'], 2, 'USAGE'],
    [['--count', '2', '--prefix', 'A'], 2, 'SLUG_INVALID'],
    [['--from', 'missing.csv'], 4, 'FILE_UNREADABLE'],
    [[], 2, 'USAGE'],
  ])('with %j exits %i, %s, and makes nothing', async (argv, exit, code) => {
    const result = await create(...argv, '--json')
    expect([result.exit, result.out, JSON.parse(result.err).error.code]).toEqual([exit, '', code])
    expect(await slugsFrom('ok')).toEqual([])
  })

  it('--count makes many, and the same again makes none', async () => {
    const bulk = async () => JSON.parse((await create('--count', '12', '--prefix', 'bulk-', '--json')).out)
    expect(await bulk()).toEqual({
      tenants: { total: 12, created: 12, existing: 0, failed: 0 },
      failures: [],
      duration_ms: expect.any(Number),
    })
    expect((await bulk()).tenants).toEqual({ total: 12, created: 0, existing: 12, failed: 0 })
    expect(await slugsFrom('bulk-')).toEqual(Array.from({ length: 12 }, (_, n) => `bulk-${String(n + 1).padStart(4, '0')}`))
  })

  it('--from reads names, placements and OPML files beside the CSV', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'feeds.opml'), OPML)
    writeFileSync(
      join(folder, 'tenants.csv'),
      '\ufeffslug,name,placement,opml\r\nfrom-a,"A, ""quoted"" ö",shared,feeds.opml\r\n\r\nfrom-b,,dedicated,\r\nfrom-c,,,\r\n',
    )
    const { exit, out } = await cli(['tenant', 'create', '--from', 'tenants.csv', '--json'], folder)
    expect([exit, JSON.parse(out).tenants]).toEqual([0, { total: 3, created: 3, existing: 0, failed: 0 }])
    expect(await show('from-a')).toMatchObject({ name: 'A, "quoted" ö', feeds: 2, placement: { kind: 'shared' } })
    expect(await show('from-b')).toMatchObject({ name: 'from-b', feeds: 0, placement: { kind: 'dedicated' } })
  })

  describe('with a CSV that is wrong', () => {
    it.each([
      ['a bad slug', 'slug\nwrong-a\nBad\nwrong-b\n_x\n', ['line 3: "Bad" is not a tenant slug', 'line 5: "_x" is not']],
      ['an unknown column', 'slug,nam\nwrong-a,x\n', ['line 1: unknown column nam']],
      ['no slug column', 'name\nx\n', ['line 1: there is no column slug']],
      ['a slug twice', 'slug\nwrong-a\nwrong-b\nwrong-a\n', ['line 4: slug wrong-a is on line 2 already']],
      ['an unknown placement', 'slug,placement\nwrong-a,moon\n', ['line 2: placement moon']],
      ['an unknown host', 'slug,host\nwrong-a,moon\n', ['line 2: there is no database host moon']],
      ['a name that is too long', `slug,name\nwrong-a,${'x'.repeat(201)}\n`, ['line 2: a name has 1 to 200 characters']],
      ['an OPML file that is missing', 'slug,opml\nwrong-a,missing.opml\n', ['line 2: cannot read']],
      ['an OPML file that is wrong', 'slug,opml\nwrong-a,bad.opml\n', ['line 2: ', 'line 1: xmlUrl "ftp://x.example/"']],
      ['a quote that never ends', 'slug,name\nwrong-a,"x\n', ['line']],
      ['too many cells', 'slug\nwrong-a,x\n', ['line 2']],
    ])('%s is named by its line and nothing is made', async (_what, text, words) => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'tenants.csv'), text)
      writeFileSync(join(folder, 'bad.opml'), '<opml><body><outline xmlUrl="ftp://x.example/"/></body></opml>')
      const { exit, out, err } = await cli(['tenant', 'create', '--from', 'tenants.csv'], folder)
      expect({ exit, out }).toEqual({ exit: 4, out: '' })
      for (const word of words) expect(err).toContain(word)
      expect(err).toContain('(CSV_INVALID)')
      expect(await slugsFrom('wrong')).toEqual([])
    })
  })

  it('by two processes at once succeeds in exactly one', async () => {
    for (const slug of ['process-1', 'process-2']) {
      const racers = await Promise.all([1, 2, 3].map(() => runNode([BIN, 'tenant', 'create', slug, '--json'], { env })))
      expect(racers.map(({ exit }) => exit).sort()).toEqual([0, 4, 4])
      for (const { exit, err } of racers) if (exit === 4) expect(JSON.parse(err).error.code).toBe('TENANT_EXISTS')
      expect((await show(slug)).state).toBe('active')
    }
  })

  it('killed at any point leaves nothing, or what the same command finishes', async () => {
    const here = await openInstallation(env)
    const isThere = async (slug: string) =>
      (await here.catalog.kysely.selectFrom('tenants').select('id').where('slug', '=', slug).execute()).length > 0
    const opml = join(temporaryFolder(), 'many.opml')
    const many = Array.from({ length: 3_000 }, (_, n) => `<outline xmlUrl="https://a.example/${n}"/>`)
    writeFileSync(opml, `<opml><body>${many.join('')}</body></opml>`)
    const states: string[] = []
    for (let round = 0; round < 6; round++) {
      const slug = `killed-${round}`
      const argv = ['tenant', 'create', slug, '--opml', opml]
      const child = spawn(process.execPath, [BIN, ...argv], { env: { ...env }, stdio: 'ignore' })
      const ended = once(child, 'exit')
      while (child.exitCode === null && !(await isThere(slug))) await pause(1)
      await Promise.race([pause(round * 8), ended])
      child.kill('SIGKILL')
      await ended
      const left = await show(slug)
      states.push(left?.state)
      const { exit } = await cli(argv)
      // On a server, what was sent last may be committed after it was looked at.
      if (left?.state === 'active') expect(exit).toBe(4)
      else expect([0, 4]).toContain(exit)
      expect(await show(slug)).toMatchObject({ state: 'active', feeds: 3_000 })
    }
    expect(new Set(states)).toContain('provisioning')
    for (const state of states) expect(['provisioning', 'active']).toContain(state)
  })
})
