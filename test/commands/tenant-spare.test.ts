import { beforeAll, expect, it } from 'vitest'
import { runCli } from '../support/cli.js'
import { describeDatabases } from '../tenants/installation.js'

describeDatabases('feedctl tenant spare', env => {
  const cli = (argv: readonly string[], more: Record<string, string> = {}) => runCli(argv, { env: { ...env, ...more } })
  beforeAll(async () => {
    await cli(['init'])
  })

  it('fills, shows and drops, and a sign-up takes one', async () => {
    const filled = await cli(['tenant', 'spare', '--fill', '2', '--json'])
    expect([filled.exit, JSON.parse(filled.out)]).toEqual([
      0,
      { spares: { ready: 2, unready: 0, made: 2, wanted: 2, failures: [] } },
    ])
    const { tenant } = JSON.parse((await cli(['tenant', 'create', 'quick', '--json'])).out)
    expect(tenant).toMatchObject({
      state: 'active',
      placement: { kind: 'dedicated', database: expect.stringMatching(/_spare_/) },
    })
    const shown = await cli(['tenant', 'spare'], { FEEDCTL_SPARE_DATABASES: '5' })
    expect(shown.out).toBe('1 spare database ready of 5 wanted\n')
    expect(await cli(['tenant', 'spare', '--drop'])).toMatchObject({ exit: 2, err: expect.stringContaining('--yes') })
    expect((await cli(['tenant', 'spare', '--drop', '--yes'])).out).toBe('1 spare database dropped\n')
    expect(JSON.parse((await cli(['tenant', 'show', 'quick', '--json'])).out).tenant.state).toBe('active')
  })

  it('are kept by the schedule as the setting says', async () => {
    const { exit } = await cli(['schedule', 'run', '--once'], { FEEDCTL_SPARE_DATABASES: '2' })
    expect(exit).toBe(0)
    expect(JSON.parse((await cli(['tenant', 'spare', '--json'])).out).spares).toEqual({ ready: 2, unready: 0, wanted: 0 })
  })

  it.each([
    [['--fill', '0'], 'USAGE'],
    [['--fill', '2', '--drop'], 'USAGE'],
  ])('refuses %j', async (flags, code) => {
    const { exit, err } = await cli(['tenant', 'spare', ...flags, '--json'])
    expect([exit, JSON.parse(err).error.code]).toEqual([2, code])
  })
})
