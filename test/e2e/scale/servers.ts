import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { RenderedMariadb, RenderedServer, runProgram } from '../../infra/mariadb-place.js'
import { findProgram } from '../../support/server.js'
import type { RenderedScale } from './rendered.js'

const DATABASE_CONF = 'etc/mysql/mariadb.conf.d/90-feedctl.cnf'
const PROGRAMS = 'usr/local/sbin'

export interface Databases {
  readonly primary: RenderedMariadb
  readonly replica: RenderedMariadb
}

/** Two MariaDBs with their rendered settings; the rendered programs make their users, and have one follow the other. */
export async function startDatabases(folder: string, scale: RenderedScale): Promise<Databases> {
  const { database } = scale.deployment.scale
  if (database.replica === null) throw new Error('it is described with a replica')
  const start = async (machine: string, place: { data: string; run: string }) => {
    const conf = join(scale.folderOf(machine), DATABASE_CONF)
    const server = await RenderedMariadb.create(join(folder, `${machine}-process`), conf, place)
    onTestFinished(() => server.dispose())
    return server
  }
  const [primary, replica] = await together([start('database', database), start('replica', database.replica)])
  const passwords = { 'db-password': scale.databasePassword, 'replication-password': scale.replicationPassword }
  for (const [name, password] of Object.entries(passwords)) {
    writeFileSync(join(folder, 'database', name), `${password}\n`, { mode: 0o600 })
  }
  const program = (machine: string, name: string) => join(scale.folderOf(machine), PROGRAMS, name)
  await runProgram(program('database', 'feedctl-database-users'), [join(folder, 'database')])
  await runProgram(program('replica', 'feedctl-follow-primary'), [], { stdin: `${scale.replicationPassword}\n` })
  return { primary, replica }
}

/** A Redis with its rendered settings and users. */
export async function startRedis(folder: string, scale: RenderedScale): Promise<void> {
  const { redis } = scale.deployment.scale
  const machine = scale.folderOf('redis')
  await runProgram(join(machine, PROGRAMS, 'feedctl-redis-users'), [], { stdin: `${scale.redisPassword}\n` })
  const command = [findProgram(['redis-server'], 'redis-server'), join(machine, redis.config, 'redis.conf')] as const
  const answers = async () => {
    const place = { host: redis.address, port: redis.port, password: scale.redisPassword }
    const client = new Redis({ ...place, lazyConnect: true, retryStrategy: null })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.ping()
    } finally {
      client.disconnect()
    }
  }
  await startServer(join(folder, 'redis-process'), command, answers)
}

/** nginx with its rendered settings. */
export function startBalancer(folder: string, scale: RenderedScale): Promise<RenderedServer> {
  const { https_port: port } = scale.deployment.scale.balancer
  const own = join(folder, 'nginx-process')
  const conf = join(scale.folderOf('balancer'), 'etc/nginx/nginx.conf')
  const flags = ['-p', own, '-e', 'stderr', '-c', conf, '-g', 'daemon off;']
  return startServer(own, [findProgram(['nginx'], 'nginx-light'), ...flags], () => reaches(port))
}

/** As Promise.all, but when one fails the others have ended or begun, too: nothing begins after the test. */
export async function together<const T extends readonly Promise<unknown>[]>(
  starting: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}

/** The folder is its own; it ends with the test. */
async function startServer(
  folder: string,
  command: readonly [string, ...string[]],
  answers: () => Promise<void>,
): Promise<RenderedServer> {
  mkdirSync(folder)
  const server = new RenderedServer(folder, command, answers)
  onTestFinished(() => server.dispose())
  await server.start()
  return server
}

function reaches(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}
