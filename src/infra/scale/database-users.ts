import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'

/** Users of replication, where there is a replica. */
const REPLICATION = 'feedctl_replica'

/** Programs that make the database's users, and have the replica follow: passwords come from files or stdin, never from a command line. */
export function databasePrograms(deployment: Deployment): RenderedFile[] {
  const { replica } = deployment.scale.database
  const users = onMachine(
    'database',
    '/usr/local/sbin/feedctl-database-users',
    'makes the users of the database, with the passwords in a folder of files',
    usersProgram(deployment),
    0o755,
  )
  if (replica === null) return [users]
  const follow = onMachine(
    'replica',
    '/usr/local/sbin/feedctl-follow-primary',
    'has the replica follow the primary, with the password on stdin',
    followProgram(deployment, `${replica.run}/mysqld.sock`),
    0o755,
  )
  return [users, follow]
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

function usersProgram({ scale, database }: Deployment): string {
  const { catalog, username } = database
  const prefix = database.prefix.replaceAll('_', '\\\\_')
  const replication =
    scale.database.replica === null
      ? ''
      : `
if [ -f "$folder/replication-password" ]; then
  replication=$(password_in "$folder/replication-password")
  sql="$sql
CREATE USER IF NOT EXISTS '${REPLICATION}'@'%';
ALTER USER '${REPLICATION}'@'%' IDENTIFIED BY '$replication';
GRANT REPLICATION SLAVE ON *.* TO '${REPLICATION}'@'%';"
fi`
  return `#!/bin/sh
${MARK}
# As root, on the machine of the database: feedctl-database-users <folder with db-password${replication === '' ? '' : ' and replication-password'}>
# Run again it sets the passwords anew. The rights are all that feedctl needs.
set -eu
folder=\${1:?name the folder of the passwords}
${READ_PASSWORD}
main=$(password_in "$folder/db-password")
sql="CREATE USER IF NOT EXISTS '${username}'@'%';
ALTER USER '${username}'@'%' IDENTIFIED BY '$main';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON \\\`${catalog}\\\`.* TO '${username}'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP ON \\\`${prefix}%\\\`.* TO '${username}'@'%';"${replication}
printf '%s\\n' "$sql" | mariadb --socket="\${SOCKET:-${scale.database.run}/mysqld.sock}"
echo 'the users are there'
`
}

function followProgram({ scale }: Deployment, socket: string): string {
  const { address, port } = scale.database
  return `#!/bin/sh
${MARK}
# As root, on the machine of the replica, whose databases are empty or restored from a backup: feedctl-follow-primary < replication-password
set -eu
${READ_PASSWORD}
value=$(password_in -)
mariadb --socket="\${SOCKET:-${socket}}" << SQL
STOP SLAVE;
CHANGE MASTER TO MASTER_HOST='${address}', MASTER_PORT=${port}, MASTER_USER='${REPLICATION}', MASTER_PASSWORD='$value', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=5;
START SLAVE;
SQL
echo 'it follows; SHOW REPLICA STATUS says how far it is'
`
}
