import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { onTestFinished } from 'vitest'
import type { Deployment } from '../../src/infra/description/schema.js'
import { findProgram, Server } from '../support/server.js'
import { fileOf, put, scaleOf } from './ground.js'

/** Asks as root, by the socket. */
export type Ask = (sql: string) => Promise<RowDataPacket[]>

/** A server that is started by rendered settings. */
export class RenderedServer extends Server {
  constructor(folder: string, command: readonly [string, ...string[]], answers: () => Promise<void>) {
    super({ folder, command, answers })
  }
}

/** A MariaDB with the rendered settings of the machine, whose root needs no password, as on a machine of its own. It ends with the test. */
export async function startRenderedMariadb(
  folder: string,
  deployment: Deployment,
  machine: 'database' | 'replica',
): Promise<Ask> {
  const { database } = deployment.scale
  const place = machine === 'database' ? database : database.replica
  if (place === null) throw new Error('there is no replica')
  const install = findProgram(['mariadb-install-db', 'mysql_install_db'], 'mariadb-server')
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : []
  const flags = ['--no-defaults', `--datadir=${place.data}`, '--auth-root-authentication-method=normal', '--skip-test-db']
  await promisify(execFile)(install, [...flags, ...asRoot], { env: { ...process.env, TMPDIR: folder } })
  const own = join(folder, machine)
  mkdirSync(own, { recursive: true })
  const conf = put(folder, fileOf(scaleOf(deployment), machine, '.cnf'))
  const ask: Ask = async sql => {
    const connection = await createConnection({ socketPath: `${place.run}/mysqld.sock`, user: 'root' })
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0]
    } finally {
      await connection.end()
    }
  }
  const command = [findProgram(['mariadbd', 'mysqld'], 'mariadb-server'), `--defaults-file=${conf}`, ...asRoot] as const
  const server = new RenderedServer(own, command, async () => void (await ask('SELECT 1')))
  onTestFinished(() => server.dispose())
  await server.start()
  return ask
}

/** Runs a rendered program with the text on stdin, and answers what it said. @throws with what it complained */
export function runProgram(
  path: string,
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(path, args, { env: { PATH: process.env.PATH, ...env } }, (error, out, err) => {
      if (error === null) resolve(out)
      else reject(new Error(err, { cause: error }))
    })
    child.stdin?.end(stdin)
  })
}
