import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { thisMachine } from '../../src/kernel/holder.js'
import { ALERTS_TURN, Turn } from '../../src/watch/turn.js'
import { doctor, type FindingJson } from '../doctor/examined.js'
import { runCli } from '../support/cli.js'
import { dropDatabases, sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { openInstallation } from '../tenants/installation.js'

/** How full the disk of this machine is, and what its system allows, is none of the tests' business. */
const aside = (findings: readonly FindingJson[]) => findings.filter(({ id }) => id !== 'disk.space' && !id.startsWith('limits.'))

describe('feedctl doctor on the embedded drivers', () => {
  it('finds all well where nothing is yet, makes nothing, and knows no Redis', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder() }
    const { findings, of, exit } = await doctor(env)
    expect(aside(findings).filter(({ severity }) => severity !== 'ok')).toEqual([])
    expect(exit).toBe(of('disk.space')?.severity === 'fail' ? 8 : 0)
    expect(findings.map(({ id }) => id).filter(id => /^(redis|queues|workers|supervisor|schedule|clock)/.test(id))).toEqual([])
    expect(of('database.schema')?.evidence).toContain('the first command makes it')
    expect((await doctor(env)).of('database.schema')?.evidence).toContain('the first command makes it')
    for (const finding of findings) expect(Object.keys(finding)).toEqual(['id', 'severity', 'evidence', 'fix', 'since'])
  })

  it('says in text what it says in JSON', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder(), QUEUE_CONNECTION: 'sync', REDIS_URL: 'redis://127.0.0.1:1' }
    await runCli(['init'], { env })
    const { findings } = await doctor(env)
    const { out } = await runCli(['doctor'], { env })
    for (const { id, severity, evidence } of aside(findings)) expect(out).toMatch(lineOf(severity, id, evidence))
    expect(out).toContain(`${findings.length} checks: `)
  })

  it('finds settings that are refused, without their secrets', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder(), FEEDCTL_KEEP_DAYS: 'many', FEEDCTL_SINC: '1', DB_PASSWORD: 'hunter2hunter2' }
    const { exit, findings, of, err, out } = await doctor(env)
    expect(exit).toBe(8)
    expect(findings.map(({ id }) => id)).toEqual(['node.version', 'settings'])
    expect(of('settings')).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('FEEDCTL_KEEP_DAYS="many"') })
    expect(out + err).not.toContain('hunter2')
    expect(JSON.parse(err).error).toMatchObject({
      code: 'CHECK_FAILED',
      message: '1 of 2 checks did not pass',
      hint: expect.stringContaining('--fix'),
    })
  })

  it('finds what would keep a supervisor from starting', async () => {
    const env = { FEEDCTL_PRUNE_AT: '99 99 * * *', FEEDCTL_ALERT_WEBHOOK: 'hunter2', FEEDCTL_METRICS_LISTEN: '99999' }
    const { exit, of, out, err } = await doctor({ FEEDCTL_DATA: temporaryFolder(), ...env })
    expect(exit).toBe(8)
    for (const name of Object.keys(env)) expect(of('settings')?.evidence).toContain(`${name}=`)
    expect(out + err).not.toContain('hunter2')
  })

  it('finds that nobody tells of alerts where they are to be posted, until somebody does', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder(), FEEDCTL_ALERT_WEBHOOK: 'http://127.0.0.1:1/' }
    const { catalog } = await openInstallation(env)
    expect((await doctor(env)).of('alerts.watched')).toMatchObject({ severity: 'warn', fix: 'feedctl schedule run' })
    const turn = new Turn(catalog, ALERTS_TURN, Date.now)
    await turn.take()
    expect((await doctor(env)).of('alerts.watched')).toMatchObject({
      severity: 'ok',
      evidence: expect.stringContaining('watches'),
    })
    await turn.release()
    expect((await doctor(env)).of('alerts.watched')?.severity).toBe('warn')
    expect((await doctor({ FEEDCTL_DATA: env.FEEDCTL_DATA })).of('alerts.watched')).toBeNull()
  })

  it('finds a data folder that cannot be made, and leaves nothing where one can', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    const taken = await doctor({ FEEDCTL_DATA: join(folder, 'file/data') })
    expect(taken.of('database.reachable')).toMatchObject({
      severity: 'fail',
      evidence: expect.stringContaining(`cannot write in ${join(folder, 'file')}`),
      fix: expect.stringContaining('FEEDCTL_DATA'),
    })
    expect((await doctor({ FEEDCTL_DATA: join(folder, 'a/b') })).of('database.reachable')).toMatchObject({ severity: 'ok' })
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it.runIf(existsSync('/proc/self'))('finds one that no permission tells of', async () => {
    const { of } = await doctor({ FEEDCTL_DATA: '/proc/nope/data' })
    expect(of('database.reachable')).toMatchObject({
      severity: 'fail',
      evidence: expect.stringContaining('cannot write in /proc'),
    })
  })

  it('finds settings that are refused only when they are used', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder(), REDIS_CLUSTER_NODES: 'a:1,me:hunter2@b' }
    const { exit, of, out, err } = await doctor(env)
    expect(exit).toBe(8)
    expect(of('settings')).toMatchObject({ severity: 'fail', evidence: 'REDIS_CLUSTER_NODES: "***@b" is not host:port' })
    expect(out + err).not.toContain('hunter2')
  })

  it('finds locks that dead processes left, and releases them and no others', async () => {
    const env = { FEEDCTL_DATA: temporaryFolder() }
    const place = await openInstallation(env)
    const later = Date.now() + 3_600_000
    const lock = (name: string, holder: string, expires_at: number) => ({ name, holder, acquired_at: 1, expires_at })
    const rows = [
      lock('dead', `${thisMachine()}:999999999:t`, later),
      lock('lapsed', 'elsewhere:1:t', 1),
      lock('alive', 'elsewhere:2:t', later),
    ]
    await place.catalog.kysely.insertInto('locks').values(rows).execute()
    const found = await doctor(env)
    expect(found.of('locks.stale')).toMatchObject({
      severity: 'warn',
      evidence: expect.stringContaining('dead of pid 999999999'),
    })
    const mended = await doctor(env, '--fix', '--yes')
    expect(mended.mended).toEqual(['released: dead, lapsed'])
    expect(mended.of('locks.stale')).toMatchObject({ severity: 'ok', evidence: '1 lock held' })
    expect(await place.catalog.kysely.selectFrom('locks').select('name').execute()).toEqual([{ name: 'alive' }])
    await place.catalog.kysely
      .insertInto('locks')
      .values(lock('d\u001b[2Jd', 'elsewhere:1:t', 1))
      .execute()
    const { out } = await runCli(['doctor', '--fix', '--yes'], { env })
    expect(out).toContain('mended: released: d\\u001b[2Jd')
    expect(out).not.toContain('\u001b')
    expect((await doctor(env, '--fix', '--yes')).mended).toEqual([])
  })
})

describe('feedctl doctor on a Redis that is set up badly', () => {
  let redis: RedisServer
  let client: Redis
  let env: TestEnv
  beforeAll(async () => {
    redis = await startRedis()
    client = new Redis(redis.url)
    env = { FEEDCTL_DATA: join(redis.folder, 'data'), ...redis.env, QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'memory' }
    await client.config('SET', 'appendonly', 'no')
    await client.config('SET', 'appendfsync', 'everysec')
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
    await client.config('SET', 'maxmemory', Math.round(used * 1.15))
  })
  afterAll(async () => {
    client.disconnect()
    await redis.dispose()
  })

  it('finds each mistake with what mends it, changes nothing, and exits 8', async () => {
    const { exit, of, out, err } = await doctor(env)
    expect(exit).toBe(8)
    expect(of('redis.reachable')).toMatchObject({ severity: 'ok', fix: null })
    expect(of('redis.version')).toMatchObject({ severity: 'ok' })
    expect(of('redis.append-only')).toMatchObject({
      severity: 'warn',
      fix: expect.stringMatching(/^feedctl doctor --fix.*redis\.conf$/),
    })
    expect(of('redis.eviction-policy')).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('allkeys-lru') })
    expect(of('redis.memory')?.severity).not.toBe('ok')
    expect(of('redis.cluster')).toBeNull()
    expect(of('queues.consuming')).toMatchObject({ severity: 'fail', evidence: 'no worker consumes any queue' })
    expect(of('queues.failed')).toMatchObject({ severity: 'ok' })
    expect(of('supervisor.alive')).toMatchObject({ severity: 'warn' })
    expect(of('schedule')).toMatchObject({ severity: 'ok', evidence: expect.stringContaining('cron has to') })
    expect(of('clock.skew')).toMatchObject({ severity: 'ok', evidence: 'Redis agrees' })
    expect(of('settings.drivers')).toMatchObject({ severity: 'warn', fix: 'CACHE_DRIVER=redis' })
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-lru'])
    expect(out + err).not.toContain(redis.password)
  })

  it('names --yes where nobody can be asked, and mends nothing', async () => {
    await client.config('SET', 'maxmemory', '0')
    const { exit, err, mended } = await doctor(env, '--fix')
    expect([exit, mended]).toEqual([2, []])
    expect(JSON.parse(err).error).toMatchObject({ code: 'CONFIRMATION_NEEDED', hint: expect.stringContaining('--yes') })
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'no'])
  })

  it('mends what is safe to mend, says so, and looks again', async () => {
    const { of, mended } = await doctor(env, '--fix', '--yes')
    expect(mended).toHaveLength(2)
    expect(mended?.join()).toContain('redis.conf')
    expect(of('redis.append-only')).toMatchObject({ severity: 'ok' })
    expect(of('redis.eviction-policy')).toMatchObject({ severity: 'ok', evidence: 'noeviction' })
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes'])
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
  })

  it('finds nothing wrong with a Redis that holds only the cache and throws away', async () => {
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const { of, findings } = await doctor({ ...env, QUEUE_CONNECTION: 'sync', CACHE_DRIVER: 'redis' })
    expect(of('redis.eviction-policy')).toMatchObject({ severity: 'ok' })
    expect(findings.map(({ id }) => id).filter(id => id.startsWith('queues'))).toEqual([])
  })
})

describe('feedctl doctor where servers are away', () => {
  it('says so of each, and exits 8', async () => {
    const env = {
      ...{ DB_CONNECTION: 'mysql', DB_HOST: '127.0.0.1', DB_PORT: '1', DB_PASSWORD: 'hunter2hunter2' },
      ...{ REDIS_URL: 'redis://:hunter3hunter3@127.0.0.1:1', QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' },
      FEEDCTL_DATA: temporaryFolder(),
    }
    const { exit, findings, of, out, err } = await doctor(env)
    expect(exit).toBe(8)
    expect(of('database.reachable')).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('ECONNREFUSED') })
    expect(of('database.schema')).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('cannot look') })
    expect(of('redis.reachable')).toMatchObject({ severity: 'fail', fix: expect.stringContaining('REDIS_URL') })
    expect(of('redis.reachable')?.evidence).toContain('ECONNREFUSED')
    expect(of('queues.consuming')).toMatchObject({ severity: 'warn', evidence: expect.stringContaining('cannot look') })
    expect(findings.filter(({ severity }) => severity === 'ok').map(({ id }) => id)).toEqual(
      expect.arrayContaining(['node.version', 'settings', 'settings.drivers']),
    )
    expect(out + err).not.toMatch(/hunter[23]/)
  })
})

describe('feedctl doctor on MySQL', () => {
  it('finds that the catalog is missing, makes it when it may, and then finds it', async () => {
    const env: TestEnv = { ...sharedMariadbEnv(), FEEDCTL_DATA: temporaryFolder() }
    onTestFinished(() => dropDatabases(env))
    const missing = await doctor(env)
    expect(missing).toMatchObject({ exit: 8 })
    expect(missing.of('database.reachable')).toMatchObject({
      severity: 'ok',
      evidence: expect.stringContaining(`:${env.DB_PORT}`),
    })
    expect(missing.of('database.schema')).toMatchObject({ severity: 'fail', fix: 'feedctl init' })
    expect(missing.of('locks.stale')).toMatchObject({ severity: 'warn', fix: 'feedctl init' })
    const { of, mended } = await doctor(env, '--fix', '--yes')
    expect(mended).toEqual([expect.stringMatching(/^catalog ft_\w+: created, schema \d+$/)])
    for (const id of ['database.schema', 'locks.stale', 'sources.failing', 'clock.skew', 'database.durability'])
      expect(of(id), id).toMatchObject({ severity: 'ok' })
    expect(of('database.max-connections')?.evidence).toContain('FEEDCTL_DB_POOL=8')
    const pool = await doctor({ ...env, FEEDCTL_DB_POOL: '200' }, '--fail-on', 'warn')
    expect(pool.exit).toBe(8)
    expect(pool.of('database.max-connections')?.severity).not.toBe('ok')
  })

  it('exits 8 for a warning only when it is told to', async () => {
    const env = { ...sharedMariadbEnv(), ...sharedRedisEnv(), FEEDCTL_DATA: temporaryFolder(), CACHE_DRIVER: 'redis' }
    onTestFinished(() => dropDatabases(env))
    await runCli(['init'], { env })
    const place = await openInstallation(env)
    const stale = { name: 'sync', holder: 'elsewhere:1:t', acquired_at: 1, expires_at: 1 }
    await place.catalog.kysely.insertInto('locks').values(stale).execute()
    const lenient = await doctor(env)
    expect(lenient.of('locks.stale')?.severity).toBe('warn')
    expect(lenient.exit).toBe(lenient.of('disk.space')?.severity === 'fail' ? 8 : 0)
    expect((await doctor(env, '--fail-on', 'warn')).exit).toBe(8)
  })
})

function lineOf(severity: string, id: string, evidence: string): RegExp {
  const escaped = evidence.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\d+/g, '\\d+')
  return new RegExp(`^${severity} +${id.replace(/\./g, '\\.')} +${escaped}$`, 'm')
}
