import { listenPlaces } from '../description/kinds.js'
import type { Scale } from '../description/scale.js'
import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'

/** A rewrite of the append-only file may take as much again of what changes meanwhile. */
const MEMORY_SHARE = 0.6

const UNIT_TEXT = `${MARK}
[Unit]
Wants=network-online.target
After=network-online.target

[Service]
Restart=on-failure
RestartSec=5
`

/** Settings of the Redis that has queues, caches and sessions: it loses nothing, and evicts nothing. */
export function redisFiles({ scale }: Deployment): RenderedFile[] {
  const { redis } = scale
  const text = [
    MARK,
    `port ${redis.port}`,
    `bind ${bindPlaces(redis.address)}`,
    `unixsocket ${redis.run}/redis.sock`,
    'unixsocketperm 770',
    `pidfile ${redis.run}/redis-server.pid`,
    `logfile ${redis.logs}/redis-server.log`,
    `dir ${redis.data}`,
    'supervised auto',
    'tcp-keepalive 60',
    'maxclients 10000',
    '',
    '# Users and their passwords, as sums, are in a file of its own: feedctl-redis-users writes it. Without it Redis does not start.',
    'protected-mode yes',
    `aclfile ${redis.config}/users.acl`,
    '',
    '# Queues must not lose keys: what does not fit is refused.',
    `maxmemory ${Math.floor(redis.memory_mb * MEMORY_SHARE)}mb`,
    'maxmemory-policy noeviction',
    '',
    '# What was said to be stored is on the disk within a second.',
    'appendonly yes',
    'appendfsync everysec',
    'no-appendfsync-on-rewrite no',
    'auto-aof-rewrite-percentage 100',
    'auto-aof-rewrite-min-size 64mb',
    'aof-use-rdb-preamble yes',
    'save ""',
    '',
  ].join('\n')
  return [
    onMachine(
      'redis',
      `${redis.config}/redis.conf`,
      `settings of Redis, for a machine of ${redis.memory_mb} MB of its own`,
      text,
    ),
    onMachine(
      'redis',
      '/usr/local/sbin/feedctl-redis-users',
      'writes the file of users from the password on stdin',
      users(`${redis.config}/users.acl`, redis.port),
      0o755,
    ),
    ...unitFiles(scale),
    onMachine(
      'redis',
      '/etc/sysctl.d/90-feedctl-redis.conf',
      'lets the append-only file be rewritten while memory is full',
      `${MARK}\nvm.overcommit_memory = 1\nnet.core.somaxconn = 1024\n`,
    ),
  ]
}

/** Beside what Debian's units say. */
function unitFiles(scale: Scale): RenderedFile[] {
  const { redis } = scale
  return [
    ...(scale.monitoring.exporters.redis === null
      ? []
      : [
          onMachine(
            'redis',
            '/etc/systemd/system/prometheus-redis-exporter.service.d/feedctl.conf',
            'as whom the exporter asks Redis',
            `${MARK}\n[Service]\nEnvironmentFile=${redis.config}/exporter.env\n`,
          ),
        ]),
    onMachine(
      'redis',
      '/etc/systemd/system/redis-server.service.d/feedctl.conf',
      'the service waits for the network, and is started again',
      UNIT_TEXT,
    ),
  ]
}

/** What is not there is no reason not to start. */
function bindPlaces(address: string): string {
  const places = listenPlaces(address)
  return places === null ? '* -::*' : places.map(place => (place === '127.0.0.1' ? place : `-${place}`)).join(' ')
}

/** The password comes by stdin, and is kept as its SHA-256 only. */
function users(file: string, port: number): string {
  return `#!/bin/sh
${MARK}
# Reads feedctl's password of Redis from stdin: feedctl-redis-users < redis-password
set -eu
umask 077
IFS= read -r password
[ "\${#password}" -ge 16 ] || { echo 'the password has fewer than 16 characters' >&2; exit 2; }
sum=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
file=\${1:-${file}}
# Nobody may empty it, stop it, or make it follow another by feedctl's password.
rights='+@all -flushall -flushdb -shutdown -debug -replicaof -slaveof -failover -module -acl'
printf 'user default on #%s ~* &* %s\\n' "$sum" "$rights" > "$file.new"
# The exporter reads figures and no keys, by a password of its own that is made here.
own=$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \\n')
sum=$(printf %s "$own" | sha256sum | cut -d ' ' -f 1)
printf 'user exporter on #%s resetkeys resetchannels -@all +ping +info +client|setname +client|list +config|get +slowlog|len +slowlog|get +latency|latest\\n' "$sum" >> "$file.new"
printf 'REDIS_ADDR=redis://127.0.0.1:${port}\\nREDIS_USER=exporter\\nREDIS_PASSWORD=%s\\n' "$own" > "\${file%/*}/exporter.env"
if getent passwd redis > /dev/null && [ "$(id -u)" = 0 ]; then chown redis:redis "$file.new"; fi
mv "$file.new" "$file"
echo "wrote $file: systemctl restart redis-server, or redis-cli ACL LOAD"
`
}
