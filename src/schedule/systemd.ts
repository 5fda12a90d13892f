import type { Config } from '../kernel/config.js'
import { DEEDS, type Invocation, ownerLine, wordsOfDeed } from './invocation.js'
import { onCalendar } from './on-calendar.js'

export interface UnitPlan extends Invocation {
  /** Of the user who runs it, or of the machine. */
  readonly scope: 'user' | 'system'
  /** Who the machine's units run as. */
  readonly runAs: string
}

export interface Unit {
  readonly name: string
  readonly text: string
  /** Started with the machine, or with its user's session; others are started by those. */
  readonly enabled: boolean
}

type UnitConfig = Pick<Config, 'queueConnection' | 'syncEveryS' | 'pruneAt' | 'drainMs' | 'data' | 'dbSocket' | 'redisUrl'>

/** First line of every unit: what has it may be replaced. */
export const UNIT_MARK = '# written by `feedctl schedule`'
/** Of either driver. */
export const UNIT_NAMES = [
  'feedctl-supervise.service',
  'feedctl-sync.service',
  'feedctl-sync.timer',
  'feedctl-maintenance.service',
  'feedctl-maintenance.timer',
] as const

const WATCHDOG_S = 60
/** Beyond the drain: handing back, ending workers that heed nothing, the report. */
const STOP_MARGIN_S = 20
const STOPPED_BY_SIGNAL = '130 143'
/** Usage and settings: trying again changes nothing. */
const HOPELESS = '2 3'
/** Some feeds failed, or it runs already: told in its log, and no failure of the unit. */
const EVERYDAY = '6 7'

/** The units that begin everything by themselves: a supervisor with its workers, or timers where jobs run in the command that begins them. */
export function systemdUnits(plan: UnitPlan, config: UnitConfig): Unit[] {
  return config.queueConnection === 'redis' ? [supervisor(plan, config)] : timers(plan, config)
}

function supervisor(plan: UnitPlan, config: UnitConfig): Unit {
  const service = [
    'Type=notify',
    'NotifyAccess=all',
    `WatchdogSec=${WATCHDOG_S}`,
    `ExecStart=${command(plan, ['queue', 'supervise'])}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    'KillMode=mixed',
    stopTime(config),
    `SuccessExitStatus=${STOPPED_BY_SIGNAL}`,
    'Restart=always',
    'RestartSec=5',
    `RestartPreventExitStatus=${HOPELESS}`,
    ...setting(plan, config),
  ]
  const unit = ['Description=feedctl: supervised workers, and what begins by itself', ...network(plan)]
  const target = plan.scope === 'user' ? 'default.target' : 'multi-user.target'
  return file(plan, 'feedctl-supervise.service', true, { Unit: unit, Service: service, Install: [`WantedBy=${target}`] })
}

function timers(plan: UnitPlan, config: UnitConfig): Unit[] {
  const pair = (name: string, what: string, deeds: readonly (readonly string[])[], timer: readonly string[]): Unit[] => {
    const starts = deeds.map(deed => `ExecStart=${command(plan, deed)}`)
    const service = ['Type=oneshot', ...starts, stopTime(config), `SuccessExitStatus=${EVERYDAY}`, ...setting(plan, config)]
    return [
      file(plan, `${name}.service`, false, { Unit: [`Description=feedctl: ${what}`, ...network(plan)], Service: service }),
      file(plan, `${name}.timer`, true, {
        Unit: [`Description=feedctl: when to ${what}`],
        Timer: timer,
        Install: ['WantedBy=timers.target'],
      }),
    ]
  }
  const often = ['OnBootSec=30s', `OnUnitActiveSec=${config.syncEveryS}s`, 'AccuracySec=1s']
  const nightly = [...onCalendar(config.pruneAt).map(time => `OnCalendar=${time}`), 'Persistent=true']
  return [
    ...pair('feedctl-sync', 'sync every tenant', [DEEDS.sync], often),
    ...pair(
      'feedctl-maintenance',
      'prune posts, remove deleted tenants and prune media',
      [DEEDS.prune, DEEDS.remove, DEEDS.pruneMedia],
      nightly,
    ),
  ]
}

/** A stopping process drains before it ends. */
function stopTime(config: UnitConfig): string {
  return `TimeoutStopSec=${Math.ceil(config.drainMs / 1000) + STOP_MARGIN_S}`
}

/** The machine's network is none of a user's units. */
function network(plan: UnitPlan): string[] {
  return plan.scope === 'user' ? [] : ['Wants=network-online.target', 'After=network-online.target']
}

/** Where it runs, as whom, and what it cannot touch. V8 compiles while it runs: memory must stay executable. */
function setting(plan: UnitPlan, config: UnitConfig): string[] {
  const common = [
    `WorkingDirectory=${escaped(plan.folder)}`,
    'UMask=0027',
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
  ]
  // A user's manager can wall off little of the rest, and not on every machine.
  if (plan.scope === 'user') return common
  const paths = [plan.node, plan.bin, plan.folder, plan.envFile, config.data, config.dbSocket, config.redisUrl]
  return [
    `User=${plan.runAs}`,
    ...common,
    'ProtectSystem=strict',
    `ReadWritePaths=${word(`-${config.data}`)}`,
    'ProtectHome=read-only',
    ...(paths.some(path => path !== null && /^(unix:\/\/)?\/(var\/)?tmp(\/|$)/.test(path)) ? [] : ['PrivateTmp=yes']),
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
    'RestrictNamespaces=yes',
    'RestrictSUIDSGID=yes',
    'SystemCallArchitectures=native',
    // Root without them could not write what is another's.
    ...(plan.runAs === 'root' ? [] : ['CapabilityBoundingSet=']),
  ]
}

function file(plan: UnitPlan, name: string, enabled: boolean, sections: Readonly<Record<string, readonly string[]>>): Unit {
  const text = Object.entries(sections).map(([title, lines]) => `[${title}]\n${lines.map(line => `${line}\n`).join('')}`)
  return { name, enabled, text: `${UNIT_MARK}\n${ownerLine(plan)}\n${text.join('\n')}` }
}

function command(plan: UnitPlan, deed: readonly string[]): string {
  return wordsOfDeed(plan, deed)
    .map(text => word(text).replaceAll('$', '$$$$'))
    .join(' ')
}

function word(text: string): string {
  const plain = escaped(text)
  return /^[\w./:@%+,=$-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`
}

/** A % begins what systemd fills in. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%')
}
