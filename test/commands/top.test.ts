import { describe, expect, inject, test } from 'vitest'
import { Installation } from '../e2e/installation.js'
import { runCli } from '../support/cli.js'
import { describeDrivers } from '../support/drivers.js'

describeDrivers('top off a terminal', (env, combination) => {
  test('prints one reading, as text and as JSON', async () => {
    expect(await runCli(['init'], { env })).toMatchObject({ exit: 0 })
    expect(await runCli(['tenant', 'create', 'acme'], { env })).toMatchObject({ exit: 0 })
    const text = await runCli(['top'], { env })
    expect(text).toMatchObject({ exit: 0, err: '' })
    expect(text.out).toMatch(/^alerts +none\nrun +none yet\nsources +0, 0 due/)
    expect(text.out).toMatch(/^sync +0 +0 +0 /m)
    expect(text.out).toContain(combination.includes('redis') ? 'no worker runs' : 'jobs run in the command that begins them')

    const { exit, out } = await runCli(['top', '--json'], { env })
    expect(exit).toBe(0)
    const overview = JSON.parse(out)
    expect(overview).toMatchObject({
      driver: env.QUEUE_CONNECTION,
      workers: [],
      run: null,
      tenants: { active: 1, due_at: null },
      alerts: [],
    })
    expect(overview.queues.map((queue: { name: string }) => queue.name)).toEqual(['sync', 'media', 'analytics', 'maintenance'])
    expect(Date.parse(overview.at)).toBeGreaterThan(Date.now() - 60_000)
  })
})

describe('top', () => {
  test('tells scripts of times as times', async () => {
    await using installation = await Installation.create({})
    await installation.createTenant('acme', [])
    await using app = await installation.open()
    await app.catalog.kysely.updateTable('tenants').set({ sync_failures: 1, synced_at: 1_000 }).execute()
    const { tenants } = JSON.parse((await installation.run(['top', '--json'])).out)
    expect(tenants).toMatchObject({ failed: 1, failing_since: '1970-01-01T00:00:01.000Z', due_at: null })
  })

  test('prints one reading on a terminal too, where it is asked for one', async () => {
    await using installation = await Installation.create({})
    const { exit, out } = await installation.run(['top', '--once'], { tty: { columns: 80 } })
    expect(exit).toBe(0)
    expect(out).toMatch(/no tenant was synced yet/)
    expect(out).not.toContain('\u001b[?1049h')
  })

  test('is unavailable while Redis is away', async () => {
    await using installation = await Installation.create({
      QUEUE_CONNECTION: 'redis',
      ...inject('redis').env,
      FEEDCTL_REDIS_PREFIX: 'tffffffffff',
    })
    const { exit, out, err } = await installation.run(['top', '--json'], { env: { REDIS_URL: 'redis://127.0.0.1:1' } })
    expect({ exit, out }).toEqual({ exit: 5, out: '' })
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'UNAVAILABLE' } })
  })

  test.each(['0.1', '61', 'x', '-1'])('refuses --interval %s', async interval => {
    expect(await runCli(['top', `--interval=${interval}`])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('from 0.2 to 60'),
    })
  })
})
