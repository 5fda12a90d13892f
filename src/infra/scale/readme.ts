import type { Deployment, Media } from '../description/schema.js'
import type { RenderedFile } from '../files.js'
import { fileTable, readme, shell } from '../markdown.js'
import { BUCKET_POLICY } from './bucket-policy.js'
import { envFileOf, secretFileName, secretsOf } from './env.js'

/** In which order the machines are set up, and what of it was checked by which tool. */
export function scaleReadme(deployment: Deployment, files: readonly RenderedFile[]): RenderedFile {
  return readme(`${deployment.name}: phase Scale`, [
    ['', INTRODUCTION],
    ['1. Secrets', secretSteps(deployment)],
    ['2. Copy the files', copySteps(deployment)],
    ['3. Database', databaseSteps(deployment)],
    ['4. Redis', redisSteps(deployment)],
    ['5. Application', appSteps(deployment)],
    ['6. Load balancer', balancerSteps(deployment)],
    ['7. Monitoring', monitoringSteps(deployment)],
    ['8. Backups', backupSteps(deployment)],
    ['What was checked, and what was not', checks(deployment)],
    ['Files', fileTable(files)],
  ])
}

const INTRODUCTION = [
  'Rendered by `feedctl infra render --phase scale`. Each folder is a machine, laid out as the machine is. No file holds a secret: they name files that you make.',
  'Change the description and render again; what you change here is overwritten, with `--yes` only. What is to stay on a machine goes into `local.env` there.',
  '',
  'Only the load balancer is to be reached from outside. Database, Redis, figures and the API itself answer to the private network: a firewall must see to it.',
]

function secretSteps(deployment: Deployment): string[] {
  const generated = [
    'db-password',
    'redis-password',
    'media-key',
    ...(deployment.scale.database.replica === null ? [] : ['replication-password']),
  ]
  const brought = secretsOf(deployment)
    .map(secretFileName)
    .filter(name => !generated.includes(name))
  return [
    ...shell('mkdir -m 700 ../secrets', `for name in ${generated.join(' ')}; do openssl rand -hex 24 > ../secrets/$name; done`),
    ...(brought.length === 0
      ? []
      : ['', `Then write what others gave you into ${brought.map(name => `\`../secrets/${name}\``).join(', ')}.`]),
    ...(deployment.media?.access_key_id === null
      ? ['', "The bucket's access key id is missing in the description (`media.access_key_id`): give it, and render again."]
      : []),
  ]
}

function copySteps({ scale }: Deployment): string[] {
  const { app, balancer, database, redis, monitoring } = scale
  const machines = [
    ['balancer', balancer.address],
    ['database', database.address],
    ...(database.replica === null ? [] : [['replica', database.replica.address]]),
    ['redis', redis.address],
    ['monitoring', monitoring.address],
    ...app.hosts.map(host => [host.name, host.address]),
  ]
  return [
    'Debian 12 is meant: `nginx`, `mariadb-server`, `redis-server`, `prometheus`, and `prometheus-node-exporter`, `prometheus-mysqld-exporter`, `prometheus-redis-exporter`, `rclone`, `certbot`, `systemd-resolved` where they are used. Grafana is not in Debian: it has a repository of its own (https://grafana.com/docs/grafana/latest/setup-grafana/installation/debian/). Node.js 20.19 or later is not in Debian 12.',
    '',
    ...shell(
      ...machines.map(
        ([name, address]) =>
          `tar -C ${name} --mode='u=rwX,go=rX' -c . | ssh root@${address} tar -C / -x --no-same-owner --no-overwrite-dir`,
      ),
    ),
  ]
}

function databaseSteps({ scale }: Deployment): string[] {
  const { backup, database, install } = scale
  const at = `root@${database.address}`
  const exporter = scale.monitoring.exporters.mysql === null ? '' : ' && systemctl restart prometheus-mysqld-exporter'
  const primary = [
    `ssh ${at} 'install -d -m 700 /root/secrets ${install.config} && systemctl daemon-reload && systemctl restart mariadb'`,
    `scp ../secrets/db-password ${database.replica === null ? '' : '../secrets/replication-password '}${at}:/root/secrets/`,
    `ssh ${at} '/usr/local/sbin/feedctl-database-users /root/secrets && rm -r /root/secrets${exporter}'`,
  ]
  const { replica } = database
  if (replica === null) return shell(...primary)
  return [
    ...shell(
      ...primary,
      `ssh root@${replica.address} 'systemctl daemon-reload && systemctl restart mariadb'`,
      `ssh root@${replica.address} /usr/local/sbin/feedctl-follow-primary < ../secrets/replication-password`,
      ...(exporter === '' ? [] : [`ssh root@${replica.address} systemctl restart prometheus-mysqld-exporter`]),
    ),
    '',
    'That is for a new primary, whose log has everything. Where it has data, or its log has lost its beginning, the replica starts from a backup, and has accounts made of its own:',
    '',
    ...shell(
      `ssh root@${database.address} /usr/local/sbin/feedctl-backup`,
      `ssh root@${replica.address} 'install -d -m 700 /root/secrets'`,
      `scp ../secrets/db-password ../secrets/replication-password root@${replica.address}:/root/secrets/`,
      `ssh root@${database.address} 'cd ${backup.folder} && tar -c $(ls feedctl-*.sql.gz* | tail -n 2)' | ssh root@${replica.address} tar -C /root/secrets -x`,
      `ssh root@${replica.address} /usr/local/sbin/feedctl-database-users /root/secrets`,
      `ssh root@${replica.address} '/usr/local/sbin/feedctl-follow-primary /root/secrets/feedctl-*.sql.gz && rm -r /root/secrets' < ../secrets/replication-password`,
    ),
    '',
    'The backup has databases of feedctl only: the primary must have no others, or the replica stops at the first change in one.',
  ]
}

function redisSteps({ scale }: Deployment): string[] {
  const at = `root@${scale.redis.address}`
  return shell(
    `ssh ${at} /usr/local/sbin/feedctl-redis-users < ../secrets/redis-password`,
    `ssh ${at} 'sysctl --system && systemctl daemon-reload && systemctl restart redis-server${scale.monitoring.exporters.redis === null ? '' : ' prometheus-redis-exporter'}'`,
  )
}

function appSteps(deployment: Deployment): string[] {
  const { app, install } = deployment.scale
  const root = install.bin.replace(/\/bin\/feedctl\.js$/, '')
  const [first] = app.hosts
  const feedctl = `${install.node} -- ${install.bin}`
  const run = (words: string) =>
    `ssh root@${first?.address} runuser -u ${install.user} -- ${feedctl} ${words} --env-file ${envFileOf(deployment)}`
  return [
    `The sources of feedctl go to \`${root}\` of each machine, then \`npm ci\` and \`npm run build\` there.`,
    '',
    ...shell(
      `for host in ${app.hosts.map(host => host.address).join(' ')}; do`,
      `  ssh root@$host 'useradd --system --home-dir ${install.data} --shell /usr/sbin/nologin ${install.user}; install -d -o ${install.user} -m 750 ${install.data}'`,
      `  scp ${secretsOf(deployment)
        .map(name => `../secrets/${secretFileName(name)}`)
        .join(' ')} root@$host:${install.config}/`,
      `  ssh root@$host 'cd ${install.config} && chown ${install.user} ${secretsOf(deployment).map(secretFileName).join(' ')} && chmod 400 ${secretsOf(deployment).map(secretFileName).join(' ')}'`,
      'done',
      run('init'),
      run('doctor'),
      ...app.hosts.map(
        host =>
          `ssh root@${host.address} 'systemctl daemon-reload && systemctl enable --now ${host.roles.map(role => UNIT_OF[role]).join(' ')}'`,
      ),
    ),
    '',
    'A new version: stop the units, replace the sources, `feedctl init` and `feedctl tenant migrate --all`, start the units. New settings: `systemctl reload feedctl-api feedctl-supervise`, without a gap.',
    ...(deployment.media === null && app.hosts.length > 1
      ? [
          '',
          `Media is on the local disk: all machines must see the same \`${install.data}/media\`, or one of them has what the others lack. A bucket is the better way.`,
        ]
      : []),
  ]
}

const UNIT_OF = { api: 'feedctl-api', workers: 'feedctl-supervise', scheduler: 'feedctl-scheduler' } as const

function balancerSteps({ media, names, scale }: Deployment): string[] {
  const { balancer } = scale
  const at = `root@${balancer.address}`
  const domains = [names.api, names.media].filter(name => name !== null).map(name => `-d ${name}`)
  const certbot = (how: string) => `ssh ${at} "certbot certonly ${how} --cert-name feedctl ${domains.join(' ')}"`
  return [
    ...(balancer.tls === null
      ? [
          `It serves plain HTTP, and believes ${balancer.front.join(', ')} who the client is; they must end TLS, and set X-Forwarded-For and X-Forwarded-Proto.`,
          '',
        ]
      : [
          `The certificate is to be at \`${balancer.tls.certificate}\`. By Let's Encrypt, for instance: the first while nothing listens on port 80, all others through nginx, which then reads them. The last line of certbot must succeed:`,
          '',
        ]),
    ...shell(
      `ssh ${at} install -d ${[balancer.acme, balancer.cache].join(' ')}`,
      ...(balancer.tls === null ? [] : [`ssh ${at} systemctl stop nginx`, certbot('--standalone')]),
      `ssh ${at} 'nginx -t && systemctl enable nginx && systemctl reload-or-restart nginx'`,
      ...(balancer.tls === null
        ? []
        : [
            certbot(`--webroot -w ${balancer.acme} --force-renewal --deploy-hook 'systemctl reload nginx'`),
            `ssh ${at} certbot renew --dry-run`,
          ]),
    ),
    ...(balancer.tls === null
      ? []
      : [
          '',
          names.media === null
            ? 'Nothing watches the certificate, since no exporter here has a figure of it: look at what certbot mails and `certbot certificates` says.'
            : `No rule watches the certificate, since no exporter here has a figure of it: \`feedctl doctor\` warns 21 days before that of ${names.media} ends, which is the same.`,
        ]),
    ...(names.media === null || media === null ? [] : ['', ...mediaSteps(media, names.media)]),
  ]
}

function mediaSteps({ bucket, endpoint, port, prefix, path_style }: Media, name: string): string[] {
  const origin = `https://${path_style ? endpoint : `${bucket}.${endpoint}`}${port === 443 ? '' : `:${port}`}${path_style ? `/${bucket}` : ''}`
  return [
    `nginx asks the bucket without a key, so everybody may read what is below \`${prefix}/\`, and list nothing. All media is public to who has its link; with \`names.media: null\` there is no such name, the bucket stays closed, and links are signed.`,
    '',
    ...shell(
      `aws --endpoint-url https://${endpoint}${port === 443 ? '' : `:${port}`} s3api put-bucket-policy --bucket ${bucket} --policy file://${BUCKET_POLICY}`,
      '# 403 each: nothing is listed, and nothing else is read',
      `curl -s -o /dev/null -w '%{http_code}\\n' '${origin}/?list-type=2'`,
      `curl -s -o /dev/null -w '%{http_code}\\n' ${origin}/other/file`,
      '# 200, with the key of a file that `feedctl media list` names',
      `curl -s -o /dev/null -w '%{http_code}\\n' https://${name}/${prefix}/...`,
    ),
    '',
    'nginx keeps media: what a tenant deleted is served for up to a day more, and longer only while the bucket cannot be asked.',
  ]
}

function monitoringSteps({ scale }: Deployment): string[] {
  const { address, config, alertmanager } = scale.monitoring
  return [
    ...shell(
      `ssh root@${address} promtool check config ${config}/prometheus.yml`,
      `ssh root@${address} promtool test rules ${config}/feedctl-rules.test.yml`,
      `ssh root@${address} systemctl restart prometheus grafana-server`,
    ),
    '',
    ...(alertmanager === null
      ? [
          'No Alertmanager is described (`scale.monitoring.alertmanager`): rules are evaluated, and nobody is told. feedctl itself tells `FEEDCTL_ALERT_WEBHOOK`.',
        ]
      : []),
  ]
}

function backupSteps({ scale }: Deployment): string[] {
  const { backup, database, install } = scale
  return [
    `On the machine of the database, ${backup.at} UTC daily, kept ${backup.keep_days} days; each Sunday the newest is restored into a server of its own and counted.`,
    ...(backup.offsite === null
      ? ['No copy leaves the machine (`scale.backup.offsite` is null): a lost disk takes the backups along.']
      : [`A copy goes to \`${backup.offsite}\`: \`${install.config}/rclone.conf\` there must have the remote, mode 600.`]),
    '',
    ...shell(
      `ssh root@${database.address} 'install -d -m 700 ${backup.folder} ${install.config} && systemctl enable --now feedctl-backup.timer feedctl-backup-verify.timer'`,
      '# one now, and its proof',
      `ssh root@${database.address} 'systemctl start feedctl-backup && systemctl start feedctl-backup-verify'`,
      '# one database back, or all of them; stop feedctl first',
      `ssh root@${database.address} feedctl-restore ${backup.folder}/feedctl-20260101T003000Z.sql.gz tenant_acme`,
    ),
    '',
    'Accounts are beside each backup: `zcat ....accounts.gz | mariadb`, with the sums of their passwords. Changes since a backup are in the binary log: `mariadb-binlog --start-position` from the position in the first lines of the backup. Further database hosts (`feedctl host add`) and media are not in it; Redis need not be.',
  ]
}

function checks({ scale }: Deployment): string[] {
  return [
    "feedctl's own tests render these files from other descriptions and hold them against the real programs:",
    '',
    '| what | by |',
    '|---|---|',
    '| nginx | `nginx -t`; started: TLS, the redirection, a process that is gone, limits, names that are not its own; each directive against the documented ones |',
    '| units | `systemd-analyze verify`, and `systemd-analyze security` with an exposure of at most 2.0 |',
    '| MariaDB | started, primary and replica, which follows by GTID, from nothing and from a backup; rights against the documented ones; no password in the binary log |',
    '| Redis | started; feedctl works on it, and `feedctl doctor` has nothing to say |',
    '| settings | every name is one of feedctl, every value is read |',
    '| Prometheus | `promtool check config`, `check rules`, `test rules`; every figure is one that feedctl shows |',
    '| all of it together | started on one machine: three APIs, two workers, a primary with its replica, Redis and nginx; one API, one worker and the replica killed under load, and no request and no post lost |',
    '| programs | `shellcheck`; a backup made, proven (where nothing else may be written), copied by rclone, and restored |',
    '',
    'Nothing has validated:',
    '',
    '- the units under a running systemd, whose filter of system calls was compared with nothing but its own lists;',
    "- names of figures of the exporters for machine, MariaDB and Redis, which are theirs, and Grafana's reading of the dashboard;",
    '- certbot and the certificate, the firewall, the bucket and its policy, and rclone with a remote that is not a folder;',
    '- a reboot of a machine, and the exporters themselves: their accounts were made and looked at, the programs never ran;',
    '- links to media through nginx with a resolver: names were never looked up by it;',
    `- whether ${scale.app.memory_mb} MB, ${scale.database.memory_mb} MB and ${scale.redis.memory_mb} MB are enough for your tenants: measure with \`feedctl bench\`.`,
    '',
    'On the machines: `nginx -t`, `systemd-analyze verify /etc/systemd/system/feedctl-*`, `promtool check config`, `feedctl doctor`.',
  ]
}
