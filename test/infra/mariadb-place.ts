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

/** A MariaDB of rendered settings, whose root needs no password, as on a machine of its own. */
export class RenderedMariadb extends RenderedServer {
  private constructor(
    folder: string,
    conf: string,
    private readonly socketPath: string,
  ) {
    const daemon = findProgram(['mariadbd', 'mysqld'], 'mariadb-server')
    super(folder, [daemon, `--defaults-file=${conf}`, ...asRoot()], async () => void (await this.ask('SELECT 1')))
  }

  /** An empty one that answers; `folder`: for its log; `place`: what its settings say too. */
  static async create(folder: string, conf: string, place: { data: string; run: string }): Promise<RenderedMariadb> {
    mkdirSync(folder, { recursive: true })
    const server = new RenderedMariadb(folder, conf, `${place.run}/mysqld.sock`)
    const install = findProgram(['mariadb-install-db', 'mysql_install_db'], 'mariadb-server')
    const flags = ['--no-defaults', `--datadir=${place.data}`, '--auth-root-authentication-method=normal', '--skip-test-db']
    await promisify(execFile)(install, [...flags, ...asRoot()], { env: { ...process.env, TMPDIR: folder } })
    await server.start()
    return server
  }

  async ask(sql: string): Promise<RowDataPacket[]> {
    const connection = await createConnection({ socketPath: this.socketPath, user: 'root' })
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0]
    } finally {
      await connection.end()
    }
  }
}

/** A MariaDB with the rendered settings of the machine. It ends with the test. */
export async function startRenderedMariadb(
  folder: string,
  deployment: Deployment,
  machine: 'database' | 'replica',
): Promise<Ask> {
  const { database } = deployment.scale
  const place = machine === 'database' ? database : database.replica
  if (place === null) throw new Error('there is no replica')
  const conf = put(folder, fileOf(scaleOf(deployment), machine, '.cnf'))
  const server = await RenderedMariadb.create(join(folder, machine), conf, place)
  onTestFinished(() => server.dispose())
  return sql => server.ask(sql)
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

/** MariaDB refuses to run as root unless told to. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}
