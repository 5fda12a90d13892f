import { execFileSync } from 'node:child_process'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { Interruption } from '../../src/cli/interruption.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import type { CliResult } from '../support/cli.js'
import { describeDrivers, type TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'

interface IngestJson {
  readonly events: { read: number; accepted: number; refused: number }
  readonly batches: number
  readonly tenants: number
  readonly refusals: { line: number; message: string }[]
  readonly complete: boolean
  readonly counted: { events: number; repeated_batches: number; returned_batches: number } | null
}

const json = ({ out }: CliResult) => JSON.parse(out) as IngestJson

async function installation(env: TestEnv = {}, tenants: readonly string[] = ['acme', 'acme-2']): Promise<Installation> {
  const made = await Installation.create(env)
  for (const slug of tenants) await made.createTenant(slug, [])
  return made
}

function fileOf(lines: readonly unknown[]): string {
  const path = join(temporaryFolder(), 'events.ndjson')
  writeFileSync(path, lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
  return path
}

async function countedOf(made: Installation, slug: string): Promise<number> {
  await using app = await made.open()
  const tenant = await getTenant(app.catalog, parseSlug(slug))
  const rows = await withTenant(app.catalog, tenant, tables => tables.eventDays().select('events').execute())
  return rows.reduce((sum, { events }) => sum + events, 0)
}

describeDrivers('analytics ingest', env => {
  it('takes in what a file says of several tenants, and counts it once, however often it is run', async () => {
    await using made = await installation(env)
    const lines = Array.from({ length: 12_000 }, (_, n) => ({
      tenant: n % 3 === 0 ? 'acme-2' : 'acme',
      kind: 'view',
      post_id: 1 + (n % 9),
      visitor: n % 500,
    }))
    const file = fileOf(lines)
    for (let time = 0; time < 2; time++) {
      const end = await made.run(['analytics', 'ingest', file, '--count', '--json', '--progress', 'none'])
      expect(end).toMatchObject({ exit: 0 })
      expect(json(end)).toMatchObject({
        events: { read: 12_000, accepted: 12_000, refused: 0 },
        tenants: 2,
        refusals: [],
        complete: true,
      })
      expect(json(end).counted?.events).toBe(time === 0 ? 12_000 : 0)
      expect([await countedOf(made, 'acme'), await countedOf(made, 'acme-2')]).toEqual([8_000, 4_000])
    }
    const other = await made.run(['analytics', 'ingest', file, '--count', '--batch-prefix', 'again', '--quiet'])
    expect(other).toMatchObject({ exit: 0, out: '', err: '' })
    expect(await countedOf(made, 'acme')).toBe(16_000)
  })

  it('leaves the counting to workers where there are such, and wakes them', async () => {
    await using made = await installation(env, ['later'])
    await made.startWorkers(1)
    const end = await made.run(['analytics', 'ingest', '-', '--tenant', 'later', '--json'], {
      stdin: '{"kind":"view"}\n{"kind":"view"}\n',
    })
    expect(end.exit).toBe(0)
    expect(json(end).counted).toEqual(made.onRedis ? null : { events: 2, repeated_batches: 0, returned_batches: 0 })
    await expect.poll(() => countedOf(made, 'later')).toBe(2)
  })
})

describe('analytics ingest', () => {
  it('names refused lines and each unknown tenant once, keeps the rest, and ends with 6', async () => {
    await using made = await installation()
    await made.run(['tenant', 'suspend', 'acme-2'])
    const file = fileOf([
      { tenant: 'acme', kind: 'view' },
      '',
      { tenant: 'nobody', kind: 'view' },
      '{"tenant":"acme","kind":',
      { tenant: 'nobody', kind: 'view' },
      { tenant: 'No Slug', kind: 'view' },
      { tenant: 'acme-2', kind: 'view' },
      { kind: 'view' },
      'null',
      { tenant: 7, kind: 'view' },
      { tenant: 'acme', kind: 'VIEW' },
      { tenant: 'acme', kind: 'click' },
    ])
    const end = await made.run(['analytics', 'ingest', file, '--json', '--progress', 'none'])
    expect(end.exit).toBe(6)
    expect(json(end)).toMatchObject({
      events: { read: 11, accepted: 2, refused: 9 },
      batches: 1,
      tenants: 1,
      refusals: [
        { line: 3, message: 'there is no tenant nobody' },
        { line: 4, message: 'it is no JSON' },
        { line: 6, message: '"No Slug" is not a tenant slug' },
        { line: 7, message: 'tenant acme-2 is suspended' },
        { line: 8, message: 'it names no tenant' },
        { line: 9, message: 'it is no object' },
        { line: 10, message: 'it names no tenant' },
        { line: 11, message: 'kind is not 1 to 32 of a-z 0-9 _ . -, a letter first' },
      ],
    })
    expect(JSON.parse(end.err)).toMatchObject({ error: { code: 'PARTIAL', message: '9 events of 11 were refused' } })
    expect(end.err).toContain('send them alone')
    const text = await made.run(['analytics', 'ingest', file])
    expect(text.out).toMatch(
      /^11 events read in .+: 2 accepted of 1 tenant in 1 batch, 0 counted \(1 batch had been before\)\n9 events refused:\n {2}line 3: /,
    )
  })

  it('refuses lines of other tenants than the one that is named', async () => {
    await using made = await installation()
    const file = fileOf([{ kind: 'view' }, { tenant: 'acme', kind: 'view' }, { tenant: 'acme-2', kind: 'view' }])
    const end = await made.run(['analytics', 'ingest', file, '--tenant', 'acme', '--json'])
    expect(json(end)).toMatchObject({
      events: { accepted: 2 },
      refusals: [{ line: 3, message: 'it is of another tenant than acme' }],
    })
  })

  it('counts what comes by a pipe each time, unless it is told by a prefix that it is the same', async () => {
    await using made = await installation({}, ['acme'])
    const stdin = '{"kind":"view"}\n'
    const run = (...flags: string[]) => made.run(['analytics', 'ingest', '--tenant', 'acme', '--json', ...flags], { stdin })
    for (const flags of [[], [], ['--batch-prefix', 'x'], ['--batch-prefix', 'x']])
      expect(await run(...flags)).toMatchObject({ exit: 0 })
    expect(await countedOf(made, 'acme')).toBe(3)
  })

  it('reads past the mark that some editors put before the first line', async () => {
    await using made = await installation({}, ['acme'])
    const file = fileOf(['\ufeff{"kind":"view"}', '{"kind":"view"}'])
    expect(await made.run(['analytics', 'ingest', file, '--tenant', 'acme'])).toMatchObject({ exit: 0 })
    expect(await countedOf(made, 'acme')).toBe(2)
  })

  it('reports, and ends with 6, when what it accepted cannot be counted now, but not for the sake of others', async () => {
    await using made = await installation()
    await using app = await made.open()
    const place = async (slug: string, database: string) => {
      const { placement } = await getTenant(app.catalog, parseSlug(slug))
      const there = app.catalog.kysely.updateTable('placements').where('database_name', '=', placement.database)
      await there.set({ database_name: database }).execute()
      return placement.database
    }
    const broken = await place('acme', 'nowhere')
    const flags = ['--tenant', 'acme', '--json', '--progress', 'none']
    const ofBroken = await made.run(['analytics', 'ingest', fileOf([{ kind: 'view' }]), ...flags])
    expect(ofBroken.exit).toBe(6)
    expect(json(ofBroken)).toMatchObject({ events: { accepted: 1 }, counted: { events: 0, returned_batches: 1 } })
    expect(JSON.parse(ofBroken.err).error.message).toMatch(/^events of 1 tenant could not be counted now, and wait: /)
    const ofSound = await made.run(['analytics', 'ingest', fileOf([{ kind: 'click' }]), '--tenant', 'acme-2'])
    expect(ofSound).toMatchObject({ exit: 0, out: expect.stringMatching(/, 1 counted \(1 batch wait\)\n$/) })
    await place('acme', broken)
    expect(await made.run(['analytics', 'flush'])).toMatchObject({ exit: 0 })
    expect(await countedOf(made, 'acme')).toBe(1)
  })

  it('leaves what it accepted to be counted later', async () => {
    await using made = await installation({}, ['acme'])
    const file = fileOf([{ kind: 'view' }])
    expect(json(await made.run(['analytics', 'ingest', file, '--tenant', 'acme', '--no-count', '--json'])).counted).toBeNull()
    expect(await countedOf(made, 'acme')).toBe(0)
    expect(json(await made.run(['analytics', 'ingest', fileOf([]), '--json'])).counted?.events).toBe(1)
  })

  it('keeps what it has accepted when it is stopped, and counts nothing twice when it is run again', async () => {
    await using made = await installation({}, ['acme'])
    const line = `${JSON.stringify({ kind: 'view', post_id: 3, page: 'x'.repeat(100) })}\n`
    const file = fileOf([line.repeat(20_000)])
    // As much of it as is taken in at once, and no end, until it is stopped.
    const pipe = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const stop = new AbortController()
    const stopping = made.run(['analytics', 'ingest', pipe, '--tenant', 'acme', '--json', '--no-count'], { signal: stop.signal })
    const writer = createWriteStream(pipe)
    writer.write(line.repeat(Math.ceil(1024 ** 2 / line.length)))
    await using app = await made.open()
    const log = await app.events()
    await expect.poll(async () => (await log.backlog()).batches).toBeGreaterThan(0)
    stop.abort(new Interruption('SIGINT'))
    writer.end()
    const stopped = await stopping
    expect([stopped.exit, json(stopped).complete]).toEqual([130, false])
    expect(json(stopped).events.accepted).toBeGreaterThan(0)
    const again = await made.run(['analytics', 'ingest', file, '--tenant', 'acme', '--json'])
    expect(json(again)).toMatchObject({ events: { accepted: 20_000 }, complete: true })
    expect(await countedOf(made, 'acme')).toBe(20_000)
  })

  test.each([
    [['nowhere.ndjson'], 4, 'FILE_UNREADABLE'],
    [['.'], 4, 'FILE_UNREADABLE'],
    [['-', '--tenant', 'nobody'], 4, 'TENANT_NOT_FOUND'],
    [['-', '--tenant', 'No Slug'], 2, 'SLUG_INVALID'],
  ])('refuses %j with %i', async (argv, exit, code) => {
    await using made = await installation({}, [])
    const end = await made.run(['analytics', 'ingest', ...argv])
    expect(end).toMatchObject({ exit, out: '' })
    expect(end.err).toContain(code)
  })
})
