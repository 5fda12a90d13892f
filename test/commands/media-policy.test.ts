import { beforeAll, expect, it } from 'vitest'
import { runCli } from '../support/cli.js'
import { describeDatabases } from '../tenants/installation.js'

describeDatabases('feedctl media policy', env => {
  const cli = (...argv: string[]) => runCli(['media', 'policy', ...argv], { env })
  const policy = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).out).policy
  const asSettings = {
    types: ['image'],
    types_from: 'settings',
    max_bytes: 10_485_760,
    max_bytes_from: 'settings',
    per_post: 10,
    per_post_from: 'settings',
  }
  beforeAll(async () => {
    await runCli(['init'], { env })
    await runCli(['tenant', 'create', 'acme', '--placement', 'shared'], { env })
  })

  it('shows what counts and who says so, and sets and unsets it for the tenant', async () => {
    expect(await policy('acme')).toEqual(asSettings)
    expect(await policy('acme', '--types', 'image, audio,application/pdf', '--max-bytes', '20000')).toEqual({
      ...asSettings,
      types: ['image', 'audio', 'application/pdf'],
      types_from: 'tenant',
      max_bytes: 20_000,
      max_bytes_from: 'tenant',
    })
    expect(await policy('acme', '--per-post', '3', '--max-bytes', 'default')).toMatchObject({
      types_from: 'tenant',
      max_bytes_from: 'settings',
      per_post: 3,
    })
    expect(await policy('acme', '--types', 'none')).toMatchObject({ types: [], types_from: 'tenant' })
    expect((await cli('acme')).out).toBe(
      [
        'acme',
        '  types     nothing is stored (set for the tenant)',
        '  size      at most 10.5 MB (FEEDCTL_MEDIA_MAX_BYTES)',
        '  per post  at most 3 files (set for the tenant)',
        '',
      ].join('\n'),
    )
    expect(await policy('acme', '--types', 'default', '--per-post', 'default')).toEqual(asSettings)
  })

  it.each([
    [['acme', '--types', 'pictures'], 2, 'is not a comma list of image, audio, video, MIME types or none'],
    [['acme', '--types', 'image,text/html'], 2, 'names pages, which are never stored'],
    [['acme', '--max-bytes', '10'], 2, 'is below 1024'],
    [['acme', '--per-post', 'many'], 2, 'is not a whole number'],
    [['nobody'], 4, 'TENANT_NOT_FOUND'],
  ])('refuses %j', async (argv, exit, words) => {
    const end = await cli(...argv)
    expect([end.exit, end.err]).toEqual([exit, expect.stringContaining(words)])
  })

  it('shows what counts for a suspended tenant, and sets nothing', async () => {
    await runCli(['tenant', 'create', 'idle', '--placement', 'shared'], { env })
    await runCli(['tenant', 'suspend', 'idle'], { env })
    expect(await policy('idle')).toEqual(asSettings)
    expect((await cli('idle', '--types', 'none')).err).toContain('TENANT_WRONG_STATE')
    expect(await policy('idle')).toEqual(asSettings)
  })
})
