import type { Deployment } from '../description/schema.js'
import { MARK } from '../files.js'

/** Where the node exporter of Debian looks for figures that others write. */
export const TEXTFILES = '/var/lib/prometheus/node-exporter'

function head(what: string): string {
  return `#!/bin/bash
${MARK}
# ${what}
set -euo pipefail
umask 077
`
}

/** The condition of SQL for the databases of feedctl. */
export function ours({ database }: Deployment): string {
  return `schema_name = '${database.catalog}' OR schema_name LIKE '${database.prefix.replaceAll('_', '\\\\_')}%'`
}

/** Lines that tell the node exporter that it is well now, in a file of the name. */
function successLines(name: string, figure: string, help: string): string {
  return `if [ -d "$textfiles" ]; then
  {
    echo '# HELP ${figure} ${help}'
    echo '# TYPE ${figure} gauge'
    echo "${figure} $(date +%s)"
  } > "$textfiles/${name}.prom.new"
  chmod 644 "$textfiles/${name}.prom.new"
  mv "$textfiles/${name}.prom.new" "$textfiles/${name}.prom"
fi`
}

export function backupProgram(deployment: Deployment): string {
  const { backup, database, install } = deployment.scale
  return `${head('As root, on the machine of the database. Every database is in the file as of one moment; nobody waits for it. The accounts are in a second one.')}
folder=${backup.folder}
socket="\${SOCKET:-${database.run}/mysqld.sock}"
textfiles="\${TEXTFILES:-${TEXTFILES}}"
mkdir -p "$folder"
stamp="feedctl-$(date -u +%Y%m%dT%H%M%SZ)"
name="$stamp.sql.gz"
accounts="$stamp.accounts.gz"

mapfile -t databases < <(mariadb --socket="$socket" --skip-column-names --batch --execute "SELECT schema_name FROM information_schema.schemata WHERE ${ours(deployment)}")
[ "\${#databases[@]}" -gt 0 ] || { echo 'there is no database of feedctl' >&2; exit 4; }

trap 'rm -f "$folder/.$name.part" "$folder/.$accounts.part"' EXIT
mariadb-dump --socket="$socket" --single-transaction --quick --hex-blob --skip-lock-tables \\
  --master-data=2 --gtid --databases "\${databases[@]}" | gzip > "$folder/.$name.part"

# Not by mariadb-dump, which gives up at an account of a host name where names are not looked up.
ask() { mariadb --socket="$socket" --skip-column-names --batch --raw "$@"; }
{
  ask --execute "SELECT CONCAT('SHOW CREATE USER ', QUOTE(user), '@', QUOTE(host), '; SHOW GRANTS FOR ', QUOTE(user), '@', QUOTE(host), ';') FROM mysql.user
    WHERE is_role = 'N' AND user NOT IN ('', 'root', 'mysql', 'mariadb.sys') AND (host = 'localhost' OR host REGEXP '^[0-9a-f.:/%_]+$')" |
    ask | sed -e 's/^CREATE USER /CREATE USER IF NOT EXISTS /' -e 's/$/;/'
  echo '-- Dump completed'
} | gzip > "$folder/.$accounts.part"

# Half a dump is none: its last line says that it is whole.
for file in "$accounts" "$name"; do
  zcat "$folder/.$file.part" | tail -n 1 | grep -q '^-- Dump completed'
done
for file in "$accounts" "$name"; do
  mv "$folder/.$file.part" "$folder/$file"
  (cd "$folder" && sha256sum "$file" > "$file.sha256")
done
${offsiteLines(deployment, install.config)}
find "$folder" -maxdepth 1 -name 'feedctl-*.gz*' -mtime +${backup.keep_days} -delete
${successLines('feedctl-backup', 'feedctl_backup_last_success_timestamp_seconds', 'When the newest backup was whole.')}
echo "$folder/$name has \${#databases[@]} databases, $(stat -c %s "$folder/$name") bytes"
`
}

/** Off the machine by rclone, whose settings have the credentials; sums are compared there. */
function offsiteLines({ scale }: Deployment, config: string): string {
  const { offsite, offsite_keep_days: days } = scale.backup
  if (offsite === null) return '# No copy leaves this machine: scale.backup.offsite is null.'
  return `rclone="rclone --config ${config}/rclone.conf"
$rclone copy --checksum "$folder" '${offsite}' --include "$stamp.*"
$rclone check --one-way "$folder" '${offsite}' --include "$stamp.*"
$rclone delete '${offsite}' --min-age ${days}d --include 'feedctl-*.gz*'`
}

export function verifyProgram(deployment: Deployment): string {
  const { backup } = deployment.scale
  const { catalog, username } = deployment.database
  return `${head('As root: restores the newest backup (or the one that is named) into a MariaDB of its own, without network, and counts.')}
file="\${1:-$(find ${backup.folder} -maxdepth 1 -name 'feedctl-*.sql.gz' | sort | tail -n 1)}"
[ -n "$file" ] || { echo 'there is no backup in ${backup.folder}' >&2; exit 4; }
accounts="\${file%.sql.gz}.accounts.gz"
for one in "$file" "$accounts"; do
  (cd "$(dirname "$one")" && sha256sum --check --quiet "$(basename "$one").sha256")
done

textfiles="\${TEXTFILES:-${TEXTFILES}}"
place=$(mktemp -d "\${PLACE:-/var/tmp}/feedctl-verify.XXXXXX")
as="\${RUN_AS:-mysql}"
chown "$as" "$place"
daemon=
end() {
  if [ -n "$daemon" ]; then
    kill "$daemon" 2> /dev/null || true
    wait "$daemon" 2> /dev/null || true
  fi
  rm -rf "$place"
}
trap end EXIT
mariadb-install-db --no-defaults --user="$as" --datadir="$place/data" --tmpdir="$place" --skip-test-db \\
  --auth-root-authentication-method=normal > "$place/log" 2>&1 || { cat "$place/log" >&2; exit 5; }
"$(command -v mariadbd || echo /usr/sbin/mariadbd)" --no-defaults --user="$as" --datadir="$place/data" --socket="$place/socket" --pid-file="$place/pid" \\
  --tmpdir="$place" --skip-networking --innodb-flush-log-at-trx-commit=0 >> "$place/log" 2>&1 &
daemon=$!
for _ in $(seq 300); do
  mariadb-admin --no-defaults --user=root --socket="$place/socket" ping > /dev/null 2>&1 && break
  kill -0 "$daemon" 2> /dev/null || { cat "$place/log" >&2; exit 5; }
  sleep 0.2
done
zcat "$file" | mariadb --no-defaults --user=root --socket="$place/socket"
ask() { mariadb --no-defaults --user=root --socket="$place/socket" --skip-column-names --batch --execute "$1"; }
# Every tenant that the catalog has placed must have its database in the backup.
lost=$(ask "SELECT count(*) FROM \\\`${catalog}\\\`.tenants t JOIN \\\`${catalog}\\\`.placements p ON p.id = t.placement_id
  JOIN \\\`${catalog}\\\`.hosts h ON h.id = p.host_id AND h.name = 'default'
  LEFT JOIN information_schema.schemata s ON s.schema_name = p.database_name
  WHERE t.state = 'active' AND s.schema_name IS NULL")
tenants=$(ask "SELECT count(*) FROM \\\`${catalog}\\\`.tenants")
[ "$lost" = 0 ] || { echo "$file lacks the databases of $lost tenants" >&2; exit 8; }
zcat "$accounts" | mariadb --no-defaults --user=root --socket="$place/socket"
users=$(ask "SELECT count(*) FROM mysql.user WHERE user = '${username}'")
[ "$users" -gt 0 ] || { echo "$accounts lacks the account ${username}" >&2; exit 8; }
${successLines('feedctl-backup-verify', 'feedctl_backup_verified_timestamp_seconds', 'When the newest proof of a backup succeeded.')}
echo "$file is whole: $tenants tenants, $(zcat "$file" | grep -c '^-- Current Database: ') databases"
`
}

/** `run`: the folder of the server's socket. */
export function restoreProgram(run: string): string {
  return `${head('As root: feedctl-restore <file> all, or feedctl-restore <file> <database>. What is there is replaced. Stop feedctl first.')}
file="\${1:?name the file}"
which="\${2:?name the database, or all}"
socket="\${SOCKET:-${run}/mysqld.sock}"
(cd "$(dirname "$file")" && sha256sum --check --quiet "$(basename "$file").sha256")
if [ "$(mariadb --socket="$socket" --skip-column-names --batch --execute 'SELECT @@read_only')" != 0 ]; then
  echo 'this server is a replica: feedctl-follow-primary takes a backup, or make it the primary (STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF)' >&2
  exit 4
fi
if [ "$which" != all ]; then
  count=$(zcat "$file" | grep -c -x -F -e "-- Current Database: \\\`$which\\\`" || true)
  [ "$count" = 1 ] || { echo "$file has no database $which" >&2; exit 4; }
fi
# What comes before the first database is for all of them.
zcat "$file" | awk -v which="$which" 'BEGIN { on = 1; mark = "-- Current Database: \`" }
  which != "all" && index($0, mark) == 1 { on = ($0 == mark which "\`") } on' |
  mariadb --socket="$socket"
echo "restored $which of $file"
`
}
