import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { newBucket, type S3Place } from './s3-place.js'
import { findFreePort, findProgram, Server } from './server.js'
import { WatchedProcess } from './watched-process.js'

const run = promisify(execFile)
const STORE_BYTES = 6 * 1024 ** 3
const STEP_TIMEOUT_MS = 60_000

interface Daemons {
  readonly mon: WatchedProcess
  readonly osd: WatchedProcess
}

/**
 * A private Ceph gateway, which checks signatures and MD5s as Wasabi does: one monitor and one store of objects in memory, 6 GB at most. `stop`, `start`,
 * `pause` and `resume` are of the gateway; the objects stay. It has no bucket yet.
 */
export class CephGateway extends Server {
  readonly endpoint: string
  readonly region = 'us-east-1'

  private constructor(
    folder: string,
    command: readonly [string, ...string[]],
    port: number,
    private readonly daemons: Daemons,
    readonly keyId: string,
    readonly secret: string,
  ) {
    const endpoint = `http://127.0.0.1:${port}`
    super({ folder, command, answers: () => answers(endpoint) })
    this.endpoint = endpoint
  }

  static async create(storeBytes: number, more: readonly string[]): Promise<CephGateway> {
    const gateway = findProgram(['radosgw'], 'radosgw')
    const folder = await mkdtemp(join(tmpdir(), 'feedctl-ceph-'))
    const daemons: WatchedProcess[] = []
    try {
      const [monPort, port] = [await findFreePort(), await findFreePort()]
      const { mon, osd } = await startCluster(folder, { monPort, port, storeBytes, more }, daemons)
      const [keyId, secret] = [randomBytes(10).toString('hex').toUpperCase(), randomBytes(20).toString('hex')]
      const user = [
        'user',
        'create',
        '--uid=feedctl',
        '--display-name=feedctl',
        `--access-key=${keyId}`,
        `--secret-key=${secret}`,
      ]
      await step(findProgram(['radosgw-admin'], 'ceph-common'), [...conf(folder), ...user])
      const server = new CephGateway(
        folder,
        [gateway, ...conf(folder), '-n', 'client.rgw', '-f'],
        port,
        { mon, osd },
        keyId,
        secret,
      )
      await server.start()
      return server
    } catch (error) {
      await endAll(daemons)
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** An empty bucket, and the settings that lead feedctl there. */
  newBucket(): Promise<S3Place> {
    return newBucket(this)
  }

  override async dispose(): Promise<void> {
    // There is nothing to be saved: an orderly stop would wait for the others.
    await this.kill()
    await endAll([this.daemons.osd, this.daemons.mon])
    await super.dispose()
  }
}

/** `more`: lines of its ceph.conf. */
export function startCeph(storeBytes = STORE_BYTES, more: readonly string[] = []): Promise<CephGateway> {
  return CephGateway.create(storeBytes, more)
}

interface Choices {
  readonly monPort: number
  readonly port: number
  readonly storeBytes: number
  readonly more: readonly string[]
}

async function endAll(daemons: readonly WatchedProcess[]): Promise<void> {
  await Promise.all(daemons.map(daemon => daemon.end('SIGKILL')))
  await Promise.all(daemons.map(daemon => daemon.release()))
}

async function startCluster(folder: string, choices: Choices, started: WatchedProcess[]): Promise<Daemons> {
  const [mon, osd] = [findProgram(['ceph-mon'], 'ceph-mon'), findProgram(['ceph-osd'], 'ceph-osd')]
  const [fsid, osdId] = [randomUUID(), randomUUID()]
  await Promise.all(['mon', 'osd', 'rgw'].map(name => mkdir(join(folder, name))))
  await writeFile(join(folder, 'ceph.conf'), settings(folder, { fsid, osdId, ...choices }))
  const map = join(folder, 'monmap')
  const address = `[v2:127.0.0.1:${choices.monPort}]`
  await step(findProgram(['monmaptool'], 'ceph-base'), ['--create', '--fsid', fsid, '--addv', 'a', address, map])
  await step(mon, [...conf(folder), '-i', 'a', '--mkfs', '--monmap', map])
  const start = async (name: string, command: [string, ...string[]]): Promise<WatchedProcess> => {
    const daemon = await WatchedProcess.start(command, { folder, log: join(folder, `${name}.log`) })
    started.push(daemon)
    return daemon
  }
  const theMon = await start('mon', [mon, ...conf(folder), '-i', 'a', '-f'])
  await Promise.all([
    step(findProgram(['ceph'], 'ceph-common'), [...conf(folder), 'osd', 'new', osdId]),
    step(osd, [...conf(folder), '-i', '0', '--mkfs']),
  ])
  return { mon: theMon, osd: await start('osd', [osd, ...conf(folder), '-i', '0', '-f']) }
}

function conf(folder: string): string[] {
  return ['-c', join(folder, 'ceph.conf')]
}

async function step(program: string, args: readonly string[]): Promise<void> {
  await run(program, args, { timeout: STEP_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 })
}

async function answers(endpoint: string): Promise<void> {
  await (await fetch(endpoint)).text()
}

function settings(folder: string, names: Choices & { fsid: string; osdId: string }): string {
  const quiet = ['rocksdb', 'mon', 'paxos', 'osd', 'rgw', 'ms', 'auth', 'monc', 'bluestore', 'filestore']
  return [
    '[global]',
    `fsid = ${names.fsid}`,
    `mon host = v2:127.0.0.1:${names.monPort}`,
    'mon initial members = a',
    'public network = 127.0.0.0/8',
    'ms bind msgr1 = false',
    // Without authentication there is no key to encrypt with, which the gateway would otherwise insist on.
    'ms mon client mode = crc',
    ...['cluster', 'service', 'client'].map(part => `auth ${part} required = none`),
    `run dir = ${folder}`,
    `crash dir = ${folder}`,
    `mon data = ${join(folder, 'mon')}`,
    `osd data = ${join(folder, 'osd')}`,
    `rgw data = ${join(folder, 'rgw')}`,
    'admin socket =',
    'pid file =',
    'log file = /dev/null',
    'log to stderr = true',
    'mon cluster log file = /dev/null',
    ...quiet.map(part => `debug ${part} = 0`),
    // Changes of the cluster's map are taken one by one: a new pool does not wait a second for others.
    'paxos propose interval = 0.02',
    'paxos min wait = 0.01',
    'mon data avail crit = 0',
    'mon data avail warn = 0',
    'mon allow pool size one = true',
    'osd pool default size = 1',
    'osd pool default min size = 1',
    'osd pool default pg num = 4',
    'osd pool default pgp num = 4',
    'osd pool default pg autoscale mode = off',
    'osd crush chooseleaf type = 0',
    'osd objectstore = memstore',
    `osd uuid = ${names.osdId}`,
    `memstore device bytes = ${names.storeBytes}`,
    `rgw frontends = beast endpoint=127.0.0.1:${names.port}`,
    'rgw run sync thread = false',
    'rgw override bucket index max shards = 1',
    'rgw dynamic resharding = false',
    'rgw enable usage log = false',
    'rgw thread pool size = 64',
    ...names.more,
    '',
  ].join('\n')
}
