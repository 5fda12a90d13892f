import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createLine, type Server, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import { AlertKeeper } from '../../src/watch/alerts.js'
import { openWatch } from '../../src/watch/gather.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { Installation } from './installation.js'

const TIMEOUT_MS = 120_000
/** More than the minute for which nothing is said. */
const LOOK_MS = 61_000
/** Two looks that are so far apart tell that something is over. */
const CALM_MS = 301_000

/** Where alerts are posted to: keeps them as `event name`. */
async function receiver() {
  const told: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { event, name } = JSON.parse(Buffer.concat(chunks).toString())
    told.push(`${event} ${name}`)
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const close = async () => {
    server.close()
    server.closeAllConnections()
  }
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, [Symbol.asyncDispose]: close }
}

/** A line to a server of this machine, which can be cut. */
class Line implements AsyncDisposable {
  private readonly sockets = new Set<Socket>()
  private whole = true

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Line> {
    const server = createLine(near => line.carry(near, port)).listen(0, '127.0.0.1')
    const line = new Line(server)
    await new Promise(resolve => server.once('listening', resolve))
    return line
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  cut(): void {
    this.whole = false
    for (const socket of this.sockets) socket.destroy()
  }

  mend(): void {
    this.whole = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.server.close()
  }

  private carry(near: Socket, port: number): void {
    if (!this.whole) return void near.destroy()
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  }
}

/** The keeper of a real installation, whose looks are as far apart as its clock says. */
async function keeping(settings: TestEnv) {
  const installation = await Installation.create({ ...settings, QUEUE_CONNECTION: 'redis' })
  const app = await installation.open()
  const watch = await openWatch(app)
  const lines: string[] = []
  const clock = { now: Date.now() }
  const log = new Log(line => lines.push(line))
  const now = () => clock.now
  const parts = { catalog: app.catalog, config: app.config, log, overview: () => watch.overview(), now, elapsed: now }
  const keeper = new AlertKeeper(parts)
  const look = async (count: number, everyMs = LOOK_MS) => {
    for (let index = 0; index < count; index++) {
      await keeper.look()
      clock.now += everyMs
    }
  }
  const close = async () => {
    await keeper.close()
    await app[Symbol.asyncDispose]()
    await installation[Symbol.asyncDispose]()
  }
  return { installation, look, lines, [Symbol.asyncDispose]: close }
}

test('jobs that nobody consumes and a Redis that is away are told once, and again when they are over', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using redis = await startRedis()
  await using hook = await receiver()
  await using scene = await keeping({ ...sharedRedisEnv(), ...redis.env, FEEDCTL_ALERT_WEBHOOK: hook.url })
  await scene.installation.createTenant('acme', [])
  await scene.look(2)
  expect(hook.told).toEqual([])

  expect(await scene.installation.run(['sync', '--all', '--detach'])).toMatchObject({ exit: 0 })
  await scene.look(4)
  expect(hook.told.splice(0)).toEqual(['alert not-consuming:sync'])

  await redis.stop()
  await scene.look(3)
  expect(hook.told.splice(0)).toEqual(['alert queue-unreachable'])
  await redis.start()
  await expect
    .poll(() => scene.look(1, CALM_MS).then(() => hook.told), { timeout: 30_000 })
    .toContain('recovery queue-unreachable')
  expect(hook.told.splice(0)).toEqual(['recovery queue-unreachable'])

  await scene.installation.startWorker()
  await expect
    .poll(() => scene.look(1, CALM_MS).then(() => hook.told), { timeout: 30_000 })
    .toEqual(['recovery not-consuming:sync'])
  await scene.look(4)
  expect(hook.told).toHaveLength(1)
  expect(scene.lines.join('\n')).not.toContain(redis.password)
})

test.each([
  ['with a queue', { ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' }],
  ['without one', {}],
])('schedule run %s looks after the alerts as long as it runs', { timeout: TIMEOUT_MS }, async (_, env) => {
  await using hook = await receiver()
  await using installation = await Installation.create({
    ...env,
    FEEDCTL_SYNC_EVERY_S: '3600',
    FEEDCTL_ALERT_WEBHOOK: hook.url,
  })
  const watched = async () => {
    const { findings } = JSON.parse((await installation.run(['doctor', '--json'])).out) as {
      findings: { id: string; severity: string }[]
    }
    return findings.find(({ id }) => id === 'alerts.watched')?.severity
  }
  expect(await watched()).toBe('warn')
  const run = installation.start(['schedule', 'run'])
  await expect.poll(watched, { timeout: 30_000 }).toBe('ok')
  expect(await run.end('SIGTERM')).toMatchObject({ exit: 143 })
  expect(await watched()).toBe('warn')
})

test('a catalog that is away with Redis does not keep alerts from being told, nor tell them twice', {
  timeout: TIMEOUT_MS,
}, async () => {
  const names = sharedMariadbEnv()
  await using line = await Line.to(Number(names.DB_PORT))
  await using redis = await startRedis()
  await using hook = await receiver()
  const over = { DB_HOST: '127.0.0.1', DB_PORT: String(line.port), FEEDCTL_ALERT_WEBHOOK: hook.url }
  await using scene = await keeping({ ...names, ...over, ...sharedRedisEnv(), ...redis.env })
  await scene.look(2)
  await redis.stop()
  await scene.look(3)
  expect(hook.told.splice(0)).toEqual(['alert queue-unreachable'])

  line.cut()
  await scene.look(3)
  expect(hook.told.splice(0)).toEqual(['alert catalog-unreachable'])

  line.mend()
  await scene.look(2, CALM_MS)
  expect(hook.told.splice(0)).toEqual(['recovery catalog-unreachable'])

  line.cut()
  await redis.start()
  await expect.poll(() => scene.look(1, CALM_MS).then(() => hook.told.length), { timeout: 30_000 }).toBe(2)
  line.mend()
  await scene.look(2, CALM_MS)
  expect(hook.told.sort()).toEqual(['alert catalog-unreachable', 'recovery catalog-unreachable', 'recovery queue-unreachable'])
  const { out } = await scene.installation.run(['queue', 'status', '--json'])
  expect(JSON.parse(out).alerts).toEqual([])
})
