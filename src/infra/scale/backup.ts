import { unitText, WALL_LINES } from '../../schedule/unit-lines.js'
import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'
import { backupProgram, restoreProgram, TEXTFILES, verifyProgram } from './backup-programs.js'

const RESTORES = 'restores all of a backup, or one database of it'
/** Sunday morning, after the night's backup. */
const VERIFY_AT = 'Sun *-*-* 05:00:00 UTC'

/** Backups of catalog and tenants on the machine of the database, by timers, and what proves and restores them. */
export function backupFiles(deployment: Deployment): RenderedFile[] {
  const { backup, database } = deployment.scale
  const program = (name: string, about: string, text: string, machine = 'database') =>
    onMachine(machine, `/usr/local/sbin/${name}`, about, text, 0o755)
  const unit = (name: string, about: string, text: string) => onMachine('database', `/etc/systemd/system/${name}`, about, text)
  return [
    program(
      'feedctl-backup',
      'dumps catalog and tenants as of one moment, checks the file, copies it off the machine, removes old ones',
      backupProgram(deployment),
    ),
    program(
      'feedctl-backup-verify',
      'restores the newest backup into a MariaDB of its own, and compares',
      verifyProgram(deployment),
    ),
    program('feedctl-restore', RESTORES, restoreProgram(database.run)),
    ...(database.replica === null
      ? []
      : [program('feedctl-restore', `${RESTORES}; once this is the primary`, restoreProgram(database.replica.run), 'replica')]),
    unit('feedctl-backup.service', 'one backup', service('a backup', 'feedctl-backup', [backup.folder, TEXTFILES])),
    unit('feedctl-backup.timer', `when: daily at ${backup.at} UTC`, timer('a backup', `*-*-* ${backup.at}:00 UTC`)),
    unit(
      'feedctl-backup-verify.service',
      'one proof of a backup',
      service('the proof of a backup', 'feedctl-backup-verify', ['/var/tmp', TEXTFILES]),
    ),
    unit('feedctl-backup-verify.timer', 'when: weekly', timer('the proof of a backup', VERIFY_AT)),
  ]
}

/** It reads as root, by the socket. */
function service(what: string, program: string, written: readonly string[]): string {
  return unitText(MARK, {
    Unit: [
      `Description=feedctl: ${what}`,
      'Wants=network-online.target',
      'After=network-online.target mariadb.service',
      'StartLimitIntervalSec=6h',
      'StartLimitBurst=4',
    ],
    Service: [
      'Type=oneshot',
      `ExecStart=/usr/local/sbin/${program}`,
      'Restart=on-failure',
      'RestartSec=10min',
      'Nice=10',
      'IOSchedulingClass=best-effort',
      'IOSchedulingPriority=7',
      'UMask=0077',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      `ReadWritePaths=${written.map(path => `-${path}`).join(' ')}`,
      'ProtectHome=read-only',
      // Its /var/tmp too, which is on the disk as the machine's is.
      'PrivateTmp=yes',
      ...WALL_LINES,
    ],
  })
}

function timer(what: string, when: string): string {
  return unitText(MARK, {
    Unit: [`Description=feedctl: when to make ${what}`],
    Timer: [`OnCalendar=${when}`, 'RandomizedDelaySec=5min', 'Persistent=true'],
    Install: ['WantedBy=timers.target'],
  })
}
