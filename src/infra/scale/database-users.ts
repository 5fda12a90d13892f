import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'
import { ours } from './backup-programs.js'

/** Users of replication, where there is a replica. */
const REPLICATION = 'feedctl_replica'
/** As whom Debian runs its exporters: the server knows it by the socket, without a password. */
const EXPORTER = 'prometheus'

/** Programs that make the accounts of a database server, and have the replica follow: passwords come from files or stdin, never from a command line. */
export function databasePrograms(deployment: Deployment): RenderedFile[] {
  const { database } = deployment.scale
  const { replica } = database
  const program = (machine: string, name: string, about: string, text: string) =>
    onMachine(machine, `/usr/local/sbin/${name}`, about, text, 0o755)
  const users = (machine: 'database' | 'replica', run: string) =>
    program(
      machine,
      'feedctl-database-users',
      'makes the accounts of the database, with the passwords in a folder of files',
      usersProgram(deployment, machine === 'replica', `${run}/mysqld.sock`),
    )
  const exporter = (machine: string, run: string) =>
    deployment.scale.monitoring.exporters.mysql === null
      ? []
      : [
          onMachine(
            machine,
            '/etc/default/prometheus-mysqld-exporter',
            'as whom the exporter asks MariaDB',
            `${MARK}\nDATA_SOURCE_NAME="${EXPORTER}@unix(${run}/mysqld.sock)/"\n`,
          ),
        ]
  const primary = [users('database', database.run), ...exporter('database', database.run)]
  if (replica === null) return primary
  const follow = program(
    'replica',
    'feedctl-follow-primary',
    'has the replica follow the primary, with the password on stdin; from a backup, where the primary has data',
    followProgram(deployment, `${replica.run}/mysqld.sock`),
  )
  return [...primary, users('replica', replica.run), ...exporter('replica', replica.run), follow]
}

/** A password that SQL takes as it is. */
const READ_PASSWORD = `password_in() {
  value=$(cat "$1")
  case $value in
    '' | *[!A-Za-z0-9._~+/=-]*) echo "$1 is empty, or has other letters than A-Z a-z 0-9 . _ ~ + / = -" >&2; exit 2 ;;
  esac
  [ "\${#value}" -ge 16 ] || { echo "$1 has fewer than 16 characters" >&2; exit 2; }
  printf %s "$value"
}`

/** What is logged, for replicas among others, has the sum of a password, never itself. */
const HASH_OF = `hash_of() { printf "SELECT PASSWORD('%s');\\n" "$1" | mariadb --socket="$socket" --skip-column-names --batch; }`

function usersProgram({ scale, database }: Deployment, isReplica: boolean, socket: string): string {
  const { catalog, username } = database
  const prefix = database.prefix.replaceAll('_', '\\\\_')
  const replication =
    scale.database.replica === null
      ? ''
      : `
if [ -f "$folder/replication-password" ]; then
  replication=$(password_in "$folder/replication-password")
  replication=$(hash_of "$replication")
  sql="$sql
CREATE USER IF NOT EXISTS '${REPLICATION}'@'%';
ALTER USER '${REPLICATION}'@'%' IDENTIFIED BY PASSWORD '$replication';
GRANT REPLICATION SLAVE ON *.* TO '${REPLICATION}'@'%';"
fi`
  const exporter =
    scale.monitoring.exporters.mysql === null
      ? ''
      : `
sql="$sql
CREATE USER IF NOT EXISTS '${EXPORTER}'@'localhost' IDENTIFIED VIA unix_socket;
GRANT PROCESS, SLAVE MONITOR, BINLOG MONITOR ON *.* TO '${EXPORTER}'@'localhost';"`
  return `#!/bin/sh
${MARK}
# As root, on the machine of the ${isReplica ? 'replica' : 'database'}: feedctl-database-users <folder with db-password${replication === '' ? '' : ' and replication-password'}>
# Run again it sets the passwords anew. The rights are all that feedctl needs.
set -eu
folder=\${1:?name the folder of the passwords}
socket="\${SOCKET:-${socket}}"
${READ_PASSWORD}
${HASH_OF}
main=$(password_in "$folder/db-password")
main=$(hash_of "$main")
sql="${isReplica ? '-- Its own log has what the primary said, and nothing else.\nSET sql_log_bin = 0;\n' : ''}CREATE USER IF NOT EXISTS '${username}'@'%';
ALTER USER '${username}'@'%' IDENTIFIED BY PASSWORD '$main';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON \\\`${catalog}\\\`.* TO '${username}'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP ON \\\`${prefix}%\\\`.* TO '${username}'@'%';"${replication}${exporter}
printf '%s\\n' "$sql" | mariadb --socket="$socket"
echo 'the users are there'
`
}

function followProgram(deployment: Deployment, socket: string): string {
  const { address, port } = deployment.scale.database
  return `#!/bin/bash
${MARK}
# As root, on the machine of the replica: feedctl-follow-primary [<backup of the primary>] < replication-password
# Without a backup the primary must have every change since its first in its log. With one, what the replica has of feedctl is replaced by it.
set -euo pipefail
socket="\${SOCKET:-${socket}}"
backup="\${1:-}"
${READ_PASSWORD}
ask() { mariadb --socket="$socket" --skip-column-names --batch "$@"; }
value=$(password_in -)
[ "$(ask --execute 'SELECT @@read_only')" = 1 ] || { echo 'this server takes writes: it is no replica' >&2; exit 4; }
ask --execute 'STOP SLAVE'
if [ -n "$backup" ]; then
  (cd "$(dirname "$backup")" && sha256sum --check --quiet "$(basename "$backup").sha256")
  position=$(zcat "$backup" | tail -n 40 | sed -n "s/^-- SET GLOBAL gtid_slave_pos='\\([0-9,-]*\\)';$/\\1/p")
  [ -n "$position" ] || { echo "$backup does not say where it is in the primary's log" >&2; exit 4; }
  # Nothing of it is in the replica's own log, which begins where the backup ends.
  {
    echo 'SET sql_log_bin = 0;'
    ask --execute "SELECT CONCAT('DROP DATABASE \\\`', schema_name, '\\\`;') FROM information_schema.schemata WHERE ${ours(deployment)}"
    zcat "$backup"
  } | ask
  ask --execute "RESET SLAVE ALL; RESET MASTER; SET GLOBAL gtid_slave_pos = '$position'"
fi
ask << SQL
CHANGE MASTER TO MASTER_HOST='${address}', MASTER_PORT=${port}, MASTER_USER='${REPLICATION}', MASTER_PASSWORD='$value', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=5;
START SLAVE;
SQL
echo 'it follows; SHOW REPLICA STATUS says how far it is'
`
}
