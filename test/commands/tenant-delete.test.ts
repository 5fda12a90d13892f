import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { createTenant } from '../../src/tenants/provision.js'
import { runCli } from '../support/cli.js'
import { describeDatabases, openInstallation, wish } from '../tenants/installation.js'

describeDatabases('feedctl tenant delete', env => {
  const cli = (...argv: string[]) => runCli(argv, { env })
  const json = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).out)
  const create = (slug: string, ...flags: string[]) =>
    cli('tenant', 'create', slug, '--feed', 'https://a.example/', 'https://b.example/', ...flags)
  const folder = () => env.FEEDCTL_DATA ?? ''
  beforeAll(async () => {
    await cli('init')
  })

  it('needs a yes and without one changes nothing', async () => {
    await create('asked')
    for (const flags of [[], ['--now']]) {
      const { exit, err } = await cli('tenant', 'delete', 'asked', ...flags)
      expect([exit, err]).toEqual([
        2,
        'error: to delete tenant asked needs a yes (CONFIRMATION_NEEDED)\n  try: the same command with --yes\n',
      ])
    }
    expect((await cli('tenant', 'delete', '--due')).exit).toBe(2)
    expect((await json('tenant', 'show', 'asked')).tenant.state).toBe('active')
  })

  it('hides a tenant until its grace is over, and resume brings it back whole', async () => {
    await create('graced')
    const before = Date.now()
    const { tenant } = await json('tenant', 'delete', 'graced', '--grace', '2h', '--yes')
    expect(tenant.state).toBe('deleting')
    const graceMs = Date.parse(tenant.delete_after_at) - before
    expect(graceMs).toBeGreaterThanOrEqual(7_200_000)
    expect(graceMs).toBeLessThan(7_200_000 + 60_000)
    expect((await cli('feed', 'list', 'graced')).err).toContain('(TENANT_WRONG_STATE)\n  try: feedctl tenant resume graced')
    expect(
      (await json('tenant', 'delete', '--due', '--yes')).receipts.map((receipt: { slug: string }) => receipt.slug),
    ).not.toContain('graced')
    expect((await create('graced')).err).toContain('tenant graced exists (deleting) (TENANT_EXISTS)')
    await cli('tenant', 'resume', 'graced')
    expect((await json('tenant', 'show', 'graced')).tenant).toMatchObject({ state: 'active', feeds: 2, delete_after_at: null })
  })

  it('without a grace gives a week', async () => {
    await create('week')
    const { tenant } = await json('tenant', 'delete', 'week', '--yes')
    expect(Math.round((Date.parse(tenant.delete_after_at) - Date.now()) / 86_400_000)).toBe(7)
  })

  it.each(['dedicated', 'shared'])('--now removes it with a receipt, and its neighbour stays (%s)', async placement => {
    const [slug, neighbour] = [`now-${placement}`, `now-${placement}-2`]
    await create(slug, '--placement', placement)
    await create(neighbour, '--placement', placement)
    const { tenant } = await json('tenant', 'show', slug)
    const { receipt } = await json('tenant', 'delete', slug, '--now', '--yes')
    expect(receipt).toEqual({
      slug,
      id: tenant.id,
      by: 'tenant delete --now',
      placement,
      host: 'default',
      database: placement === 'dedicated' ? tenant.placement.database : null,
      database_stayed: false,
      database_user: null,
      feeds: 2,
      posts: 0,
      rows: expect.objectContaining({ feeds: 2, posts: 0, counters: 1 }),
      media: { files: 0, bytes: 0, local_files: 0, bucket_objects: 0, bucket_forgotten: 0 },
      jobs: null,
      keys: null,
      events_dropped: 0,
      old_copies: 0,
      sources: 2,
      dump: null,
      began_at: expect.stringMatching(/Z$/),
      removed_at: expect.stringMatching(/Z$/),
    })
    expect(await json('tenant', 'receipt', slug)).toEqual({ receipts: [receipt] })
    expect(await json('tenant', 'receipt', String(tenant.id))).toEqual({ receipts: [receipt] })
    expect((await cli('tenant', 'show', slug)).exit).toBe(4)
    expect((await json('feed', 'list', neighbour)).feeds).toHaveLength(2)
    await cli('tenant', 'create', slug, '--placement', placement)
    expect((await json('tenant', 'show', slug)).tenant).toMatchObject({ feeds: 0, state: 'active' })
  })

  it('--due removes those whose grace is over and no others', async () => {
    await create('due-1')
    await create('due-2')
    await create('due-3')
    await cli('tenant', 'delete', 'due-1', '--grace', '0s', '--yes')
    await cli('tenant', 'delete', 'due-2', '--grace', '1d', '--yes')
    const { out } = await cli('tenant', 'delete', '--due', '--yes')
    expect(out).toMatch(/^removed tenant due-1 \(id \d+\): its database \w+due_1, 2 feeds, 0 posts$/m)
    expect(out).not.toMatch(/due-[23]/)
    expect((await cli('tenant', 'delete', '--due', '--yes')).out).toBe('no tenant is due\n')
    const states = await Promise.all(['due-2', 'due-3'].map(async slug => (await json('tenant', 'show', slug)).tenant.state))
    expect(states).toEqual(['deleting', 'active'])
  })

  it('keeps the receipts: of every tenant that had the slug, and of all in pages', async () => {
    for (let round = 0; round < 2; round++) {
      await create('again')
      await cli('tenant', 'delete', 'again', '--now', '--yes')
    }
    const { receipts } = await json('tenant', 'receipt', 'again')
    expect(receipts.map((receipt: { slug: string }) => receipt.slug)).toEqual(['again', 'again'])
    expect(receipts[0].id).toBeGreaterThan(receipts[1].id)
    const first = await json('tenant', 'receipt', '--list', '--limit', '1')
    expect(first.receipts).toEqual([receipts[0]])
    const second = await json('tenant', 'receipt', '--list', '--limit', '1', '--after', String(first.next))
    expect(second.receipts).toEqual([receipts[1]])
    expect((await cli('tenant', 'receipt', 'again')).out).toMatch(/^again\n {2}id +\d+\n {2}removed by {2}tenant delete --now\n/)
    expect((await cli('tenant', 'receipt', '--list')).out).toMatch(/^SLUG +ID +REMOVED +BY +FEEDS +POSTS +FILES\n/)
    const none = await cli('tenant', 'receipt', 'nobody')
    expect([none.exit, none.err]).toEqual([
      4,
      expect.stringContaining('(RECEIPT_NOT_FOUND)\n  try: feedctl tenant receipt --list'),
    ])
    expect((await cli('tenant', 'receipt')).exit).toBe(2)
    expect((await cli('tenant', 'receipt', 'x1', '--list')).exit).toBe(2)
    expect((await cli('tenant', 'receipt', '../etc')).err).toContain('(SLUG_INVALID)')
  })

  it('--dump writes all it has to a file before anything is removed, and the receipt names it', async () => {
    await create('dumped')
    const file = join(folder(), 'dumped.gz')
    const { receipt } = await json('tenant', 'delete', 'dumped', '--now', '--dump', file, '--yes')
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
    expect(receipt.dump).toEqual({ file, bytes: readFileSync(file).length, sha256 })
    await create('later')
    await cli('tenant', 'delete', 'later', '--grace', '0s', '--dump', join(folder(), 'later.gz'), '--yes')
    await cli('tenant', 'delete', '--due', '--yes')
    expect((await json('tenant', 'receipt', 'later')).receipts[0].dump.file).toBe(join(folder(), 'later.gz'))
  })

  it('--now --dump goes on with the same command where the dump was made and the removal failed', async () => {
    await create('resumed-now')
    const argv = ['tenant', 'delete', 'resumed-now', '--dump', join(folder(), 'resumed-now.gz'), '--yes']
    await cli(...argv)
    const { receipt } = await json(...argv, '--now')
    expect(receipt.dump.file).toBe(join(folder(), 'resumed-now.gz'))
  })

  it('where the dump fails the tenant is what it was', async () => {
    await create('kept')
    await cli('tenant', 'suspend', 'kept')
    const taken = join(folder(), 'taken')
    writeFileSync(taken, 'of another')
    for (const flags of [[], ['--now']]) {
      const onTaken = await cli('tenant', 'delete', 'kept', ...flags, '--dump', taken, '--yes')
      expect([onTaken.exit, onTaken.err]).toEqual([4, expect.stringContaining('(FILE_EXISTS)')])
      const nowhere = await cli('tenant', 'delete', 'kept', ...flags, '--dump', join(folder(), 'no', 'such', 'folder'), '--yes')
      expect(nowhere.exit).toBe(4)
    }
    expect(readFileSync(taken, 'utf8')).toBe('of another')
    expect((await json('tenant', 'show', 'kept')).tenant).toMatchObject({ state: 'suspended', feeds: 2, delete_after_at: null })
  })

  it('the receipt names no dump of before the tenant was resumed', async () => {
    await create('back')
    await cli('tenant', 'delete', 'back', '--dump', join(folder(), 'back.gz'), '--yes')
    await cli('tenant', 'resume', 'back')
    const { receipt } = await json('tenant', 'delete', 'back', '--now', '--yes')
    expect(receipt.dump).toBeNull()
  })

  it('removes a tenant that was never finished, and one that is suspended', async () => {
    await create('halted')
    await cli('tenant', 'suspend', 'halted')
    const { catalog, prefix } = await openInstallation(env)
    const away = new Failure('UNAVAILABLE', 'away')
    await expect(createTenant(catalog, prefix, wish('unfinished'), () => Promise.reject(away))).rejects.toBe(away)
    const states = [
      (await json('tenant', 'show', 'halted')).tenant.state,
      (await json('tenant', 'show', 'unfinished')).tenant.state,
    ]
    expect(states).toEqual(['suspended', 'provisioning'])
    for (const slug of ['halted', 'unfinished']) {
      expect((await cli('tenant', 'delete', slug, '--now', '--yes')).exit).toBe(0)
      expect((await cli('tenant', 'delete', slug, '--now', '--yes')).err).toContain('(TENANT_NOT_FOUND)')
    }
  })

  it.each([
    [[]],
    [['x1', '--due']],
    [['x1', '--now', '--grace', '1d']],
    [['--due', '--grace', '1d']],
    [['x1', '--forget-bucket']],
    [['x1', '--grace', 'soon']],
    [['x1', '--grace', '-1d']],
  ])('with %j is a wrong command line', async argv => {
    const { exit, err } = await cli('tenant', 'delete', ...argv, '--yes', '--json')
    expect([exit, JSON.parse(err).error.code]).toEqual([2, 'USAGE'])
  })
})
