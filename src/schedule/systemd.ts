import type { Config } from '../kernel/config.js'
import { DEEDS, type Invocation, ownerLine, wordsOfDeed } from './invocation.js'
import { onCalendar } from './on-calendar.js'
import { commonLines, confinementLines, stopLine, unitCommand, unitText } from './unit-lines.js'

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
    stopLine(config.drainMs),
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
    const service = [
      'Type=oneshot',
      ...starts,
      stopLine(config.drainMs),
      `SuccessExitStatus=${EVERYDAY}`,
      ...setting(plan, config),
    ]
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

/** The machine's network is none of a user's units. */
function network(plan: UnitPlan): string[] {
  return plan.scope === 'user' ? [] : ['Wants=network-online.target', 'After=network-online.target']
}

/** A user's manager can wall off little of what the machine's can, and not on every machine. */
function setting(plan: UnitPlan, config: UnitConfig): string[] {
  if (plan.scope === 'user') return commonLines(plan.folder)
  const paths = [plan.node, plan.bin, plan.folder, plan.envFile, config.data, config.dbSocket, config.redisUrl]
  return confinementLines({ runAs: plan.runAs, folder: plan.folder, data: config.data, paths })
}

function file(plan: UnitPlan, name: string, enabled: boolean, sections: Readonly<Record<string, readonly string[]>>): Unit {
  return { name, enabled, text: unitText(`${UNIT_MARK}\n${ownerLine(plan)}`, sections) }
}

function command(plan: UnitPlan, deed: readonly string[]): string {
  return unitCommand(wordsOfDeed(plan, deed))
}
