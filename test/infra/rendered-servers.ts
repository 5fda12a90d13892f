import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { findProgram, Server } from '../support/server.js'

const run = promisify(execFile)

/** A server that is started by rendered settings, with a folder of its own for its log. */
export class Rendered extends Server {
  constructor(folder: string, command: readonly [string, ...string[]], answers: () => Promise<void>) {
    mkdirSync(folder, { recursive: true })
    super({ folder, command, answers })
  }
}

/** A MariaDB of rendered settings, which is asked by its root, as on a machine of its own. */
export class RenderedDatabase extends Rendered {
  private constructor(
    folder: string,
    conf: string,
    private readonly socketPath: string,
  ) {
    const daemon = findProgram(['mariadbd', 'mysqld'], 'mariadb-server')
    super(folder, [daemon, `--defaults-file=${conf}`, ...asRoot()], async () => void (await this.ask('SELECT 1')))
  }

  /** An empty one that answers; `conf`: its rendered settings, which say the same of `place`. */
  static async create(folder: string, conf: string, place: { data: string; run: string }): Promise<RenderedDatabase> {
    const server = new RenderedDatabase(folder, conf, `${place.run}/mysqld.sock`)
    const install = findProgram(['mariadb-install-db', 'mysql_install_db'], 'mariadb-server')
    const flags = [`--datadir=${place.data}`, '--auth-root-authentication-method=normal', '--skip-test-db', ...asRoot()]
    await run(install, ['--no-defaults', ...flags], { env: { ...process.env, TMPDIR: folder } })
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

/** Runs a rendered program with the text on stdin. @throws {Error} with what it said, when it fails */
export function runProgram(path: string, args: readonly string[], stdin = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(path, args, (error, out, err) =>
      error === null ? resolve(out) : reject(new Error(err, { cause: error })),
    )
    child.stdin?.end(stdin)
  })
}

/** MariaDB refuses to run as root unless told to. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}
