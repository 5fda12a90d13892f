import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import type { Place } from '../sync/place.js'
import { VISITORS } from './http-round.js'
import { type AnalyticsLoad, FEEDS_PER_TENANT, POSTS_PER_FEED, rawRowsOf } from './load.js'
import { writeRawRows } from './raw-rows.js'

const CLIENTS = ['mariadb', 'mysql']
/** As the table of single events is; in a database that only this has. */
const TABLE = `CREATE TABLE raw_events (tenant_id INT UNSIGNED NOT NULL, day INT UNSIGNED NOT NULL, id BIGINT UNSIGNED NOT NULL, at BIGINT NOT NULL,
  kind VARCHAR(32) CHARACTER SET ascii NOT NULL, post_id BIGINT UNSIGNED NOT NULL, visitor CHAR(16) CHARACTER SET ascii, extra TEXT,
  PRIMARY KEY (tenant_id, day, id)) ENGINE=InnoDB`

/** Rows per second that the same server takes in by LOAD DATA LOCAL INFILE, as single rows that nobody counts; null where there is no MySQL, or no client of it. */
export async function measureLoadData(place: Place, load: AnalyticsLoad, signal: AbortSignal): Promise<number | null> {
  const { config, env } = place
  if (config.dbConnection !== 'mysql') return null
  const client = await clientIn(env)
  if (client === null) return null
  const [path, rows] = [join(place.folder, 'events.tsv'), rawRowsOf(load)]
  const database = `${config.databasePrefix}raw`
  const tenants = Array.from({ length: load.tenants }, (_, n) => n + 1)
  const run = (statement: string) => ask(client, statement, config, env, signal)
  try {
    await writeRawRows(path, tenants, { events: rows, posts: FEEDS_PER_TENANT * POSTS_PER_FEED, visitors: VISITORS }, signal)
    await run(`CREATE DATABASE ${database}; USE ${database}; ${TABLE}`)
    const begun = performance.now()
    await run(`LOAD DATA LOCAL INFILE '${path}' INTO TABLE ${database}.raw_events`)
    const wallMs = performance.now() - begun
    const loaded = Number(await run(`SELECT COUNT(*) FROM ${database}.raw_events`))
    if (loaded !== rows) throw new Failure('CHECK_FAILED', `LOAD DATA made ${loaded} rows of ${rows}`)
    return (rows * 1000) / wallMs
  } finally {
    await ask(client, `DROP DATABASE IF EXISTS ${database}`, config, env, null)
    await rm(path, { force: true })
  }
}

async function clientIn(env: Readonly<Record<string, string>>): Promise<string | null> {
  for (const client of CLIENTS) {
    const child = spawn(client, ['--version'], { env, stdio: 'ignore' })
    const found = await once(child, 'exit').then(
      ([exit]) => exit === 0,
      () => false,
    )
    if (found) return client
  }
  return null
}

/** What it prints. The password is told in the environment. @throws {Failure} UNAVAILABLE in the client's words; the signal's reason */
async function ask(
  client: string,
  statement: string,
  config: Config,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal | null,
): Promise<string> {
  const { dbSocket, dbHost, dbPort, dbUsername, dbPassword } = config
  const way = dbSocket === null ? [`--host=${dbHost}`, `--port=${dbPort}`, '--protocol=tcp'] : [`--socket=${dbSocket}`]
  const argv = [
    '--no-defaults',
    ...way,
    `--user=${dbUsername}`,
    '--local-infile=1',
    '--skip-column-names',
    '--batch',
    '-e',
    statement,
  ]
  const child = spawn(client, argv, { env: { ...env, MYSQL_PWD: dbPassword ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = () => void child.kill('SIGTERM')
  signal?.addEventListener('abort', stop, { once: true })
  const [[exit], out, complaint] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).finally(() =>
    signal?.removeEventListener('abort', stop),
  )
  signal?.throwIfAborted()
  if (exit !== 0) throw new Failure('UNAVAILABLE', `${client}: ${complaint.trim().slice(0, 300)}`)
  return out.trim()
}
