import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, expect, it, test } from 'vitest'
import { BodiesInFlight } from '../../src/api/event-bodies.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDrivers, type TestEnv } from '../support/drivers.js'
import { ApiGround } from './ground.js'

interface Sent {
  readonly status: number
  readonly retryAfter: string | null
  /** Of a refusal its code. */
  readonly code: string | undefined
  readonly body: { batch_id: string; accepted: number; refused: number; refusals: { index: number; message: string }[] }
}

const EVENT = { kind: 'view', post_id: 1, visitor: 'ann' }

async function send(
  ground: ApiGround,
  token: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
  query = '',
): Promise<Sent> {
  const own = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }
  const answer = await fetch(`${ground.api.url}/v1/events${query}`, {
    method: 'POST',
    headers: own,
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  const said = JSON.parse((await answer.text()) || '{}')
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), code: said.code ?? said.error?.code, body: said }
}

/** Events of the tenant that are counted, by kind. */
async function counted(ground: ApiGround, slug: string): Promise<Record<string, number>> {
  const tenant = await getTenant(ground.app.catalog, parseSlug(slug))
  const rows = await withTenant(ground.app.catalog, tenant, tables => tables.eventCounts().select(['kind', 'events']).execute())
  const sums: Record<string, number> = {}
  for (const { kind, events } of rows) sums[kind] = (sums[kind] ?? 0) + events
  return sums
}

const QUICK: TestEnv = { FEEDCTL_ANALYTICS_DELAY_S: '0' }
const NDJSON = { 'content-type': 'application/x-ndjson' }

describeDrivers('POST /v1/events', env => {
  it('takes events of a tenant in, counts each batch once, and none for another tenant', async () => {
    await using ground = await ApiGround.create({ ...env, ...QUICK })
    const [acme, other] = [await ground.tenant('acme'), await ground.tenant('acme-2')]
    await ground.installation.startWorkers(1)
    const sent = await send(ground, acme, JSON.stringify({ batch_id: 'one', events: [EVENT, { kind: 'click' }, { kind: 'NO' }] }))
    expect(sent).toMatchObject({ status: 202, body: { batch_id: 'one', accepted: 2, refused: 1, refusals: [{ index: 2 }] } })
    expect((await send(ground, acme, JSON.stringify({ batch_id: 'one', events: [EVENT, { kind: 'click' }] }))).status).toBe(202)
    const lines = `${JSON.stringify(EVENT)}\r\n\n{"kind":\n7\n${JSON.stringify(EVENT)}`
    const ndjson = await send(ground, acme, lines, { ...NDJSON, 'idempotency-key': 'two' })
    expect(ndjson.body).toEqual({
      batch_id: 'two',
      accepted: 2,
      refused: 2,
      refusals: [
        { index: 1, message: 'it is no JSON' },
        { index: 2, message: 'it is no object' },
      ],
    })
    // The same id is another batch of another tenant.
    await send(ground, other, JSON.stringify({ events: [EVENT] }), { 'idempotency-key': 'one' })
    await expect.poll(() => counted(ground, 'acme')).toEqual({ view: 3, click: 1 })
    await expect.poll(() => counted(ground, 'acme-2')).toEqual({ view: 1 })
    await expect.poll(async () => (await (await ground.app.events()).backlog()).batches).toBe(0)
    expect(await counted(ground, 'acme')).toEqual({ view: 3, click: 1 })
  })
})

describe('POST /v1/events refuses', () => {
  test.each([
    ['no JSON', '{"events":[', {}, 400, 'BODY_INVALID'],
    ['nothing', '', {}, 400, 'BODY_INVALID'],
    ['another shape', '[]', {}, 400, 'BODY_INVALID'],
    ['events that are no list', '{"events":{"length":2}}', {}, 400, 'BODY_INVALID'],
    ['an id that is no text', '{"batch_id":7,"events":[{"kind":"view"}]}', {}, 422, 'EVENTS_INVALID'],
    ['no events', '{"events":[]}', {}, 422, 'EVENTS_INVALID'],
    ['no good event', '{"events":[1]}', {}, 422, 'EVENTS_INVALID'],
    [
      'a batch without a good event',
      '{"events":[{"kind":"view","post_id":-1}],"__proto__":{"batch_id":"x"}}',
      {},
      422,
      'EVENTS_INVALID',
    ],
    ['too many events', JSON.stringify({ events: Array.from({ length: 1_001 }, () => EVENT) }), {}, 422, 'EVENTS_INVALID'],
    ['too many lines', '{"kind":"view"}\n'.repeat(1_001), NDJSON, 422, 'EVENTS_INVALID'],
    ['no lines', '\n\n', NDJSON, 422, 'EVENTS_INVALID'],
    ['an odd key', '{"events":[{"kind":"view"}]}', { 'idempotency-key': 'a b' }, 422, 'EVENTS_INVALID'],
  ] as const)('%s', async (_what, body, headers, status, code) => {
    await using ground = await ApiGround.create()
    const token = await ground.tenant('acme')
    expect(await send(ground, token, body, headers)).toMatchObject({ status, code })
    expect((await (await ground.app.events()).backlog()).batches).toBe(0)
  })

  it('what it cannot read, whatever its length, and who bears no token', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_MAX_BODY_BYTES: '2000' })
    const token = await ground.tenant('acme')
    expect((await send(ground, token, '<events/>', { 'content-type': 'text/xml' })).status).toBe(415)
    expect((await send(ground, token, ' '.repeat(3_000))).status).toBe(413)
    expect((await send(ground, token, randomBytes(1_000), NDJSON)).status).toBe(422)
    expect(await send(ground, token, JSON.stringify({ events: [EVENT] }), {}, '?x=1')).toMatchObject({
      status: 400,
      code: 'USAGE',
    })
    expect((await send(ground, 'guessed', JSON.stringify({ events: [EVENT] }))).status).toBe(401)
  })

  it('more than may wait, with the time to come again, and takes them when there is room', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_ANALYTICS_BACKLOG_MB: '1', FEEDCTL_ANALYTICS_DELAY_S: '3600' })
    const token = await ground.tenant('acme')
    const body = JSON.stringify({ events: Array.from({ length: 1_000 }, (_, visitor) => ({ ...EVENT, visitor })) })
    let sent = await send(ground, token, body)
    let accepted = 0
    for (; sent.status === 202; sent = await send(ground, token, body)) accepted++
    expect(sent).toMatchObject({ status: 503, code: 'EVENTS_BEHIND' })
    expect(Number(sent.retryAfter)).toBeGreaterThan(0)
    expect(accepted).toBeGreaterThan(50)
    const log = await ground.app.events()
    expect((await log.backlog()).batches).toBe(accepted)
    for (let taken = await log.take(10_000); taken !== null; taken = await log.take(10_000)) await taken.done()
    await expect.poll(async () => (await send(ground, token, body)).status).toBe(202)
  })
})

it('counts, when it stops, what it has accepted last', async () => {
  await using ground = await ApiGround.create({ FEEDCTL_ANALYTICS_DELAY_S: '3600' })
  const token = await ground.tenant('acme')
  await send(ground, token, JSON.stringify({ events: [EVENT] }))
  expect(await counted(ground, 'acme')).toEqual({})
  await ground.stop()
  expect(await counted(ground, 'acme')).toEqual({ view: 1 })
})

it('counts, when it starts, what a process accepted that was killed', async () => {
  await using ground = await ApiGround.create({ FEEDCTL_ANALYTICS_DELAY_S: '3600' })
  const token = await ground.tenant('acme')
  const killed = ground.installation.start(['serve', '--port', '0'])
  const [, url = ''] = /serving on (http:\S+) /.exec(await killed.says('Ctrl-C drains')) ?? []
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: JSON.stringify({ events: [EVENT, EVENT] }) })
  expect(answer.status).toBe(202)
  await killed.end('SIGKILL')
  expect(await counted(ground, 'acme')).toEqual({})
  const next = ground.installation.start(['serve', '--port', '0'])
  await next.says('Ctrl-C drains')
  await expect.poll(() => counted(ground, 'acme')).toEqual({ view: 2 })
})

describe('bodies on their way in', () => {
  const inFlight = (maxBytes: number, maxBodyBytes: number) => {
    const bodies = new BodiesInFlight(maxBytes, maxBodyBytes)
    return (tenantId: number, headers: Record<string, string> = {}) => {
      const payload = Object.assign(new PassThrough(), { headers })
      const raw = new EventEmitter()
      bodies.enter({ tenant: { id: tenantId }, raw: payload } as never, { raw } as never)
      const received = bodies.receive(payload as never).then(String, error => error.code)
      return { payload, received, leave: () => raw.emit('close') }
    }
  }
  const FULL = 'EVENTS_BEHIND'

  it('are counted as they arrive, a quarter of all for one tenant at most, and leave with their connections', async () => {
    const enter = inFlight(40, 8)
    const [first, second, other] = [enter(1), enter(1, { 'content-length': '8' }), enter(2)]
    for (const { payload } of [first, second, other]) payload.write('12345')
    second.payload.write('6')
    expect(await second.received).toBe(FULL)
    // What was refused is not kept, and the first one goes on.
    first.payload.end('678')
    other.payload.end()
    expect([await first.received, await other.received]).toEqual(['12345678', '12345'])
    const third = enter(1)
    third.payload.end('123')
    expect(await third.received).toBe(FULL)
    first.leave()
    const fourth = enter(1)
    fourth.payload.end('123')
    expect(await fourth.received).toBe('123')
  })

  it('of all tenants together are bounded, and a single one that may be large is not', async () => {
    const enter = inFlight(40, 100)
    const large = enter(1)
    large.payload.end('x'.repeat(41))
    expect(await large.received).toHaveLength(41)
    const other = enter(2)
    other.payload.end('x')
    expect(await other.received).toBe(FULL)
    large.leave()
    const next = enter(2)
    next.payload.end('x')
    expect(await next.received).toBe('x')
  })

  it('are no larger than one may be, as they say or as they come, and end with their ends', async () => {
    const enter = inFlight(40, 8)
    expect(await enter(1, { 'content-length': '9' }).received).toBe('BODY_TOO_LARGE')
    const growing = enter(1)
    for (const part of ['12345', '6789']) growing.payload.write(part)
    expect(await growing.received).toBe('BODY_TOO_LARGE')
    const cut = enter(1)
    cut.payload.write('1')
    cut.payload.destroy(new Error('aborted'))
    expect(await cut.received).toBe('BODY_INVALID')
  })

  const begin = (ground: ApiGround, token: string, bytes: number, part: string | Buffer): ClientRequest => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': String(bytes),
    }
    const asking = request(`${ground.api.url}/v1/events`, { method: 'POST', headers, agent: false })
    asking.on('error', () => {})
    asking.write(part)
    return asking
  }

  it('that are slow hold up nobody, however large they say they are', async () => {
    await using ground = await ApiGround.create()
    const [acme, other] = [await ground.tenant('acme'), await ground.tenant('acme-2')]
    const small = (token: string) => send(ground, token, JSON.stringify({ events: [EVENT] }))
    const slow = Array.from({ length: 40 }, () => begin(ground, acme, 2 * 1024 * 1024, '{'))
    await expect.poll(async () => /^feedctl_api_connections (\d+)$/m.exec(await metricsOf(ground))?.[1]).toBe('41')
    expect([(await small(acme)).status, (await small(other)).status]).toEqual([202, 202])
    for (const asking of slow) asking.destroy()
  })

  it('of a tenant that fills its share are refused, those of others not, and forgotten when their clients go away', async () => {
    const bytes = 16 * 1024 * 1024
    await using ground = await ApiGround.create({ FEEDCTL_API_MAX_BODY_BYTES: String(bytes) })
    const [acme, other] = [await ground.tenant('acme'), await ground.tenant('acme-2')]
    const small = (token: string) => send(ground, token, JSON.stringify({ events: [EVENT] }).padEnd(2_000))
    const sockets: Socket[] = []
    ground.api.built.server.server.once('connection', (socket: Socket) => sockets.push(socket))
    const large = begin(ground, acme, bytes, Buffer.alloc(bytes - 1, ' '))
    // One that came meanwhile might have the large one refused instead.
    await expect.poll(() => sockets[0]?.bytesRead).toBeGreaterThanOrEqual(bytes)
    expect([(await small(acme)).code, (await small(other)).status]).toEqual(['EVENTS_BEHIND', 202])
    large.destroy()
    await expect.poll(async () => (await small(acme)).status).toBe(202)
  })
})

async function metricsOf(ground: ApiGround): Promise<string> {
  return (await ground.ask('/metrics')).body.toString()
}
