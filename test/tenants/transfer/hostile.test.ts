import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { withTenant } from '../../../src/tenants/tables.js'
import { describeDatabases, openInstallation, tenantIn } from '../installation.js'
import { furnish } from './furnish.js'

import {
  exported,
  imported,
  isJson,
  isObject,
  linesOf,
  rowsOf,
  rowsOfTenant,
  sealed,
  strays,
  summed,
  twins,
  wishFor,
} from './ground.js'

describeDatabases('importing a file that was changed', env => {
  it('takes no file of which any byte was changed or cut, and leaves nothing', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'fuzzed', 'shared')
    await furnish(here.catalog, tenant, 6)
    const whole = readFileSync(await exported(here, tenant))
    const wished = (bytes: Buffer) => ({ ...wishFor('', 'fuzz-2', 'shared'), open: () => Readable.from([bytes]) })
    const step = Math.ceil(whole.length / 150)
    for (let at = 0; at < whole.length; at += step) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
      await expect(imported(here, wished(flipped)), `byte ${at} of ${whole.length}`).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
      })
      await expect(imported(here, wished(whole.subarray(0, at))), `cut at ${at}`).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
      })
    }
    // The seal to its last byte: the ends of a gzip are where its own sums do not look.
    for (let at = whole.length - 110; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] as number) ^ 0x10
      await expect(imported(here, wished(flipped)), `byte ${at} of ${whole.length}`).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
      })
    }
    await expect(imported(here, wished(Buffer.concat([whole, whole])))).rejects.toMatchObject({ code: 'EXPORT_INVALID' })
    expect(await rowsOf(here, 'fuzz-2')).toBeUndefined()
    expect(await strays(here)).toEqual([])
  })

  it.each<[string, RegExp, (lines: string[]) => string[]]>([
    [
      'a table that nobody knows',
      /expected the table posts/,
      lines => lines.map(line => line.replace('"table":"posts"', '"table":"users"')),
    ],
    [
      'a column that nobody knows',
      /a column "tenant_id"/,
      lines => lines.map(line => line.replace('{"table":"feeds","columns":["id"', '{"table":"feeds","columns":["tenant_id"')),
    ],
    ['a table twice', /expected the table posts/, lines => [...lines.slice(0, 5), ...lines.slice(1, 5), ...lines.slice(5)]],
    [
      'a row twice',
      /is not behind the row before it/,
      lines => lines.flatMap(line => (line.startsWith('[1,2,"guid 1"') ? [line, line] : [line])),
    ],
    [
      'rows that are no rows',
      /neither a row nor the end/,
      lines => lines.map(line => (line.startsWith('[1,2,"guid 1"') ? '{"tenant_id":1}' : line)),
    ],
    [
      'a value of another kind',
      /posts, row 1: id is no id/,
      lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '["1",2,"guid 1"')),
    ],
    [
      'a number that is too large',
      /is no id/,
      lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '[1,9007199254740993,"guid 1"')),
    ],
    [
      'a post of a feed that is not there',
      /of a feed 77/,
      lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '[1,77,"guid 1"')),
    ],
    ['two posts of one guid', /the database refuses its rows/, lines => twins(lines)],
    [
      'numbers that would be given twice',
      /posts would be numbered from 2/,
      lines => lines.map(line => line.replace(/^\["posts",\d+\]/, '["posts",2]')),
    ],
    [
      'a path for a media file',
      /a name that no file may have/,
      lines => lines.map(line => line.replace(/"ab\/(ab)+\.png"/, '"../../etc/passwd"')),
    ],
    [
      'a URL that runs',
      /is no http\(s\) URL/,
      lines => lines.map(line => line.replace('"https://example.com/2?a=%27"', '"javascript:alert(1)"')),
    ],
    [
      'a feed of a file',
      /is no http\(s\) URL/,
      lines => lines.map(line => line.replace('"https://example.com/a.xml"', '"file:///etc/passwd"')),
    ],
    [
      'a password in the URL of a feed',
      /not written as that of a feed/,
      lines => lines.map(line => line.replace('"https://example.com/a.xml"', '"https://u:p@example.com/a.xml"')),
    ],
    [
      'a slug that is a path',
      /is not a tenant slug/,
      lines => lines.map(line => line.replace('"slug":"hostile"', '"slug":"../x"')),
    ],
    ['a later format', /upgrade feedctl/, lines => lines.map(line => line.replace('"format":1', '"format":2'))],
    ['a later schema', /upgrade feedctl/, lines => lines.map(line => line.replace(/"schema":\d+/, '"schema":99'))],
    ['no JSON', /is not JSON/, lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '[1,2,guid 1'))],
    ['no end', /the file ends here|expected the table/, lines => lines.slice(0, -1)],
    ['lines behind its end', /behind|after the last line/, lines => [...lines, '[1]']],
  ])('refuses a sealed file with %s, says where, and leaves nothing', async (_what, words, change) => {
    const here = await openInstallation(env)
    const tenant = (await rowsOfTenant(here, 'hostile')) ?? (await tenantIn(here, 'hostile', 'shared'))
    if ((await withTenant(here.catalog, tenant, tables => tables.feeds().select('id').execute())).length === 0)
      await furnish(here.catalog, tenant, 6)
    const lines = change(linesOf(await exported(here, tenant)))
    const path = sealed(lines.every(isJson) && isObject(lines.at(-1)) ? summed(lines) : lines)
    for (const placement of ['dedicated', 'shared'] as const)
      await expect(imported(here, wishFor(path, 'hostile-2', placement))).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
        message: expect.stringMatching(words),
      })
    expect(await rowsOf(here, 'hostile-2')).toBeUndefined()
    expect(await strays(here)).toEqual([])
  })

  it('refuses a line without end before it has filled the memory', async () => {
    const here = await openInstallation(env)
    let given = 0
    const piece = Buffer.alloc(1024 * 1024, 0x20)
    const compressed = gzipSync(Buffer.concat(Array.from({ length: 200 }, () => piece)))
    const wish = {
      ...wishFor('', 'bomb'),
      open: () =>
        Readable.from(
          (function* () {
            for (let at = 0; at < compressed.length; at += 1024) {
              given += 1024
              yield compressed.subarray(at, at + 1024)
            }
          })(),
        ),
    }
    await expect(imported(here, wish)).rejects.toMatchObject({
      code: 'EXPORT_INVALID',
      message: expect.stringMatching(/longer than/),
    })
    expect(given).toBeLessThan(compressed.length / 2)
  })

  it('runs no script of a file: contents are made safe again', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'scripts')
    await furnish(here.catalog, tenant, 4)
    const lines = linesOf(await exported(here, tenant)).map(line =>
      line.replaceAll('<em>safe</em>', '<em>safe</em><script>x</script><img src=x onerror=y>'),
    )
    const back = await imported(here, wishFor(sealed(summed(lines)), 'scripts-2'))
    const posts = await withTenant(here.catalog, back.tenant, tables => tables.posts().select('content').execute())
    expect(posts.map(post => post.content).join()).toContain('<em>safe</em>')
    expect(posts.map(post => post.content).join()).not.toMatch(/script|onerror/)
  })
})
