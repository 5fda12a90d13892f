import { SETTINGS } from '../../kernel/settings.js'
import { wordsOfDeed } from '../../schedule/invocation.js'
import { confinementLines, stopLine, unitCommand, unitText } from '../../schedule/unit-lines.js'
import type { AppHost } from '../description/scale.js'
import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'
import { envFileOf } from './env.js'

interface Service {
  readonly name: string
  readonly about: string
  readonly deed: readonly string[]
  /** Lines before the confinement. */
  readonly lines: readonly string[]
}

const UNIT_FOLDER = '/etc/systemd/system'
const NOTIFIES = ['Type=notify', 'NotifyAccess=all']
const RELOADS = 'ExecReload=/bin/kill -HUP $MAINPID'
/** Usage and settings: trying again changes nothing. */
const HOPELESS = '2 3'
/** Beyond what units of `feedctl schedule` have; nothing of it is in the way of Node. */
const MORE_CONFINEMENT = [
  'ProtectProc=invisible',
  'AmbientCapabilities=',
  'DevicePolicy=closed',
  'RemoveIPC=yes',
  'KeyringMode=private',
  // V8 guards the code it makes by keys of memory where the processor has them.
  'SystemCallFilter=@system-service @pkey',
  'SystemCallFilter=~@privileged',
  'SystemCallErrorNumber=EPERM',
]

/** The units of a machine of the application: of its roles, and no others. */
export function appUnits(deployment: Deployment, host: AppHost): RenderedFile[] {
  const { app } = deployment.scale
  const services: Record<AppHost['roles'][number], Service> = {
    api: {
      name: 'feedctl-api.service',
      about: `the API on port ${host.port}, ${app.processes} processes; \`systemctl reload\` replaces them without a gap`,
      deed: ['serve', '--host', host.address, '--port', String(host.port), '--workers', String(app.processes)],
      lines: [...NOTIFIES, RELOADS],
    },
    workers: {
      name: 'feedctl-supervise.service',
      about: `${app.workers.min} to ${app.workers.max} worker processes, as the queues need; figures on port ${host.metrics_port}`,
      deed: ['queue', 'supervise', '--min', String(app.workers.min), '--max', String(app.workers.max), '--no-schedule'],
      lines: [...NOTIFIES, 'WatchdogSec=60', RELOADS],
    },
    scheduler: {
      name: 'feedctl-scheduler.service',
      about: 'begins syncs, pruning and removals; on several machines each firing is still one',
      deed: ['schedule', 'run'],
      lines: ['Type=exec'],
    },
  }
  return host.roles.map(role => unit(deployment, host, services[role]))
}

function unit(deployment: Deployment, host: AppHost, { name, about, deed, lines }: Service): RenderedFile {
  const { install } = deployment.scale
  const invocation = { node: install.node, bin: install.bin, envFile: envFileOf(deployment), folder: install.data }
  const drainMs = Number(deployment.settings[SETTINGS.drainMs.env] ?? SETTINGS.drainMs.default)
  const service = [
    ...lines,
    `ExecStart=${unitCommand(wordsOfDeed(invocation, deed))}`,
    // What an operator sets on this machine alone; a new rendering leaves it.
    `EnvironmentFile=-${install.config}/local.env`,
    'KillMode=mixed',
    stopLine(drainMs),
    'SuccessExitStatus=130 143',
    'Restart=always',
    'RestartSec=5',
    `RestartPreventExitStatus=${HOPELESS}`,
    'LimitNOFILE=65536',
    ...confinementLines({
      runAs: install.user,
      folder: install.data,
      data: install.data,
      paths: [install.node, install.bin, install.config, install.data],
    }),
    ...MORE_CONFINEMENT,
  ]
  const text = unitText(MARK, {
    Unit: [`Description=feedctl: ${about.split(/[,;]/, 1)[0]}`, 'Wants=network-online.target', 'After=network-online.target'],
    Service: service,
    Install: ['WantedBy=multi-user.target'],
  })
  return onMachine(host.name, `${UNIT_FOLDER}/${name}`, about, text)
}
