import type { Config } from '../../kernel/config.js'
import { SETTINGS } from '../../kernel/settings.js'
import type { Deployment } from '../description/schema.js'

/** From when on somebody is told; where feedctl alerts by itself too, they are its own settings, of which 0 is never. */
export interface Limits {
  readonly waitS: number
  readonly noSyncS: number
  /** 0 to 1. */
  readonly failedShare: number
  readonly backlogBytes: number
  readonly backlogS: number
  readonly p99S: number
  /** 0 to 1. */
  readonly errorShare: number
  readonly replicaS: number
}

type Numeric = { [K in keyof Config]: Config[K] extends number ? K : never }[keyof Config]

/** As many as wait before feedctl's counting is behind by what nobody would call gathering. */
const BACKLOG_S = 300
const BACKLOG_SHARE = 0.8
const MEBIBYTE = 1_048_576

export function limitsOf({ settings }: Pick<Deployment, 'settings'>): Limits {
  const value = (key: Numeric) => Number(settings[SETTINGS[key].env] ?? SETTINGS[key].default)
  return {
    waitS: value('alertWaitS'),
    noSyncS: value('alertNoSyncS'),
    failedShare: value('alertFailuresPercent') / 100,
    backlogBytes: Math.round(value('analyticsBacklogMb') * MEBIBYTE * BACKLOG_SHARE),
    backlogS: BACKLOG_S,
    p99S: 1,
    errorShare: 0.01,
    replicaS: 10,
  }
}
