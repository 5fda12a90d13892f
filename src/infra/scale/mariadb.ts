import { listenPlaces } from '../description/kinds.js'
import type { Scale } from '../description/scale.js'
import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'
import { maxConnections, maxReplicaConnections } from './budgets.js'

type Server = Pick<Scale['database'], 'address' | 'port' | 'memory_mb' | 'data' | 'logs' | 'run'>

const DESTINATION = '/etc/mysql/mariadb.conf.d/90-feedctl.cnf'
/** Of a dedicated machine: the rest is for connections, temporary tables and the system. */
const POOL_SHARE = 0.7
const POOL_CHUNK_MB = 128
const LEAST_POOL_MB = 128
/** A quarter of the buffer pool, within what recovers in minutes. */
const LOG_MB = { least: 96, most: 4096 }

/** Settings of the primary, and of the replica where there is one. */
export function databaseFiles({ scale }: Deployment): RenderedFile[] {
  const { database } = scale
  const primary = [
    ...serverLines(database, maxConnections(scale)),
    '',
    '# Every commit is on the disk, in the log of changes as well: a replica follows it, and a backup is brought forward by it.',
    'server_id = 1',
    ...binaryLog(database.data, database.binlog_days),
    'sync_binlog = 1',
  ]
  const about = `settings of MariaDB, for a machine of ${database.memory_mb} MB of its own`
  const files = [
    onMachine('database', DESTINATION, about, text('The primary.', primary)),
    onMachine('database', `${LIMITS}`, ABOUT_UNIT, LIMIT_TEXT),
  ]
  if (database.replica === null) return files
  const replica = [
    ...serverLines(database.replica, maxReplicaConnections(scale)),
    '',
    '# Follows the primary by GTID; writes nothing that it was not sent. It keeps a log of its own, so that it can take the place of the primary.',
    'server_id = 2',
    ...binaryLog(database.replica.data, database.binlog_days),
    'log_slave_updates = ON',
    'read_only = ON',
    'slave_parallel_threads = 4',
    'slave_parallel_mode = optimistic',
    'relay_log = relay',
    'relay_log_recovery = ON',
    'sync_binlog = 0',
  ]
  return [
    ...files,
    onMachine('replica', DESTINATION, 'settings of the replica', text('The replica.', replica)),
    onMachine('replica', `${LIMITS}`, ABOUT_UNIT, LIMIT_TEXT),
  ]
}

const ABOUT_UNIT = 'open files of the service; it waits for the network, and is started again'
const LIMITS = '/etc/systemd/system/mariadb.service.d/feedctl.conf'
/** It binds an address of the machine, which is there only when the network is; its slow log needs a folder. */
const LIMIT_TEXT = `${MARK}
[Unit]
Wants=network-online.target
After=network-online.target

[Service]
LimitNOFILE=65536
LogsDirectory=mysql
Restart=on-failure
RestartSec=5
`

function text(title: string, lines: readonly string[]): string {
  return [MARK, `# ${title}`, '[mariadbd]', ...lines, ''].join('\n')
}

function binaryLog(data: string, days: number): string[] {
  return [
    `log_bin = ${data}/binlog`,
    'binlog_format = ROW',
    'gtid_strict_mode = ON',
    `expire_logs_days = ${days}`,
    'max_binlog_size = 256M',
  ]
}

function serverLines(server: Server, connections: number): string[] {
  const pool = bufferPoolMb(server.memory_mb)
  return [
    `port = ${server.port}`,
    `datadir = ${server.data}`,
    `socket = ${server.run}/mysqld.sock`,
    `pid_file = ${server.run}/mysqld.pid`,
    `bind_address = ${listenPlaces(server.address)?.join(',') ?? '*'}`,
    'skip_name_resolve = ON',
    'local_infile = ON',
    'character_set_server = utf8mb4',
    '',
    `# Seven tenths of the memory, in steps of ${POOL_CHUNK_MB} MB.`,
    `innodb_buffer_pool_size = ${pool}M`,
    `innodb_log_file_size = ${Math.min(LOG_MB.most, Math.max(LOG_MB.least, Math.floor(pool / 4)))}M`,
    'innodb_flush_log_at_trx_commit = 1',
    'innodb_flush_method = O_DIRECT',
    'innodb_file_per_table = ON',
    '',
    '# Every process of feedctl at its full budget, and room for people, backups and exporters.',
    `max_connections = ${connections}`,
    'max_allowed_packet = 64M',
    '',
    '# A tenant with a database of its own has 13 tables, of which hundreds are in use at the same moment.',
    'table_open_cache = 8000',
    'table_definition_cache = 8000',
    'innodb_open_files = 8000',
    'open_files_limit = 32768',
    '',
    'slow_query_log = ON',
    `slow_query_log_file = ${server.logs}/slow.log`,
    'long_query_time = 1',
    'performance_schema = OFF',
  ]
}

export function bufferPoolMb(memoryMb: number): number {
  return Math.max(LEAST_POOL_MB, Math.floor((memoryMb * POOL_SHARE) / POOL_CHUNK_MB) * POOL_CHUNK_MB)
}
