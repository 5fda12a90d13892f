import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { secondHost } from '../support/second-host.js'
import { describeDatabases } from '../tenants/installation.js'

describeDatabases('the region of a database host', (env, kind) => {
  const second = secondHost(kind)
  const mine = () => ({ ...second.with(env, 'second'), FEEDCTL_SPARE_DATABASES: '4' })
  const json = async (...argv: string[]) => {
    const { exit, out, err } = await runCli(['--json', '--progress', 'none', ...argv], { env: mine() })
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    return JSON.parse(out)
  }
  const refused = async (...argv: string[]) => {
    const { exit, err } = await runCli(['--json', ...argv], { env: mine() })
    const { code, message } = JSON.parse(err).error
    return { exit, code, message }
  }
  const hostsOf = async () => (await json('host', 'list')).hosts
  const placed = async (slug: string) => (await json('tenant', 'show', slug)).tenant.placement.host

  test('is given, shown, changed and taken away', async () => {
    expect((await runCli(['init'], { env })).exit).toBe(0)
    const add = ['host', 'add', 'second', '--address', second.address]
    expect(await refused(...add, '--region', 'E U')).toMatchObject({ exit: 4, code: 'HOST_INVALID' })
    expect((await json(...add, '--region', 'mars')).host).toMatchObject({ name: 'second', region: 'mars' })
    expect((await json('host', 'set', 'second', '--region', 'none')).host).toMatchObject({ region: null })
    expect((await json('host', 'set', 'second', '--region', 'eu')).host).toMatchObject({ region: 'eu' })
    const { out } = await runCli(['host', 'list'], { env: mine(), tty: { columns: 80 } })
    const text = stripVTControlCharacters(out)
    expect(text).toMatch(/^second +open +eu /m)
    expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(80)
  })

  test('is where tenants are placed that ask for it, on spare databases too, and no others are sent away', async () => {
    // One after the other: the second is made on the emptier host.
    for (const fill of ['1', '2']) await json('tenant', 'spare', '--fill', fill)
    await json('tenant', 'create', 'eu-one', '--region', 'eu')
    expect((await json('tenant', 'spare')).spares).toMatchObject({ ready: 1 })
    await json('tenant', 'create', 'eu-two', '--region', 'eu', '--placement', 'shared')
    expect([await placed('eu-one'), await placed('eu-two')]).toEqual(['second', 'second'])
    // However empty it is, for those who do not ask.
    await json('host', 'set', 'second', '--weight', '100000')
    await json('tenant', 'create', '--count', '3', '--prefix', 'eu', '--region', 'eu')
    await json('tenant', 'create', '--count', '2', '--prefix', 'any')
    expect(await hostsOf()).toMatchObject([{ tenants: 2, databases: 3 }, { tenants: 5 }])
  })

  test('goes by line in a file, and for the lines that name none by the flag', async () => {
    const csv = join(temporaryFolder(), 'tenants.csv')
    writeFileSync(csv, 'slug,host,region\nby-line,,eu\nby-host,default,\nby-flag,,\n')
    await json('tenant', 'create', '--from', csv, '--region', 'eu')
    expect([await placed('by-line'), await placed('by-host'), await placed('by-flag')]).toEqual(['second', 'default', 'second'])
  })

  test('is refused where there is no host, or a host is named as well, and nothing is created', async () => {
    const before = await hostsOf()
    const csv = join(temporaryFolder(), 'tenants.csv')
    writeFileSync(csv, 'slug,host,region\na-1,default,eu\na-2,,mars\n')
    const mistakes = await refused('tenant', 'create', '--from', csv)
    expect(mistakes).toMatchObject({ exit: 4, code: 'CSV_INVALID' })
    expect(mistakes.message).toMatch(/line 2: a host and a region.*line 3: there is no database host in the region mars/)
    expect(await refused('tenant', 'create', 'x-1', '--region', 'mars')).toMatchObject({ exit: 4, code: 'HOST_NOT_FOUND' })
    const both = ['tenant', 'create', 'x-1', '--region', 'eu', '--host', 'second']
    expect(await refused(...both)).toMatchObject({ exit: 2, code: 'USAGE' })
    expect(await refused('tenant', 'create', '--count', '2', '--region', 'mars')).toMatchObject({ exit: 4 })
    await json('host', 'drain', 'second')
    expect(await refused('tenant', 'create', 'x-1', '--region', 'eu')).toMatchObject({ exit: 4, code: 'HOST_FULL' })
    expect((await hostsOf()).map((host: { tenants: number }) => host.tenants)).toEqual(
      before.map((host: { tenants: number }) => host.tenants),
    )
  })
})
