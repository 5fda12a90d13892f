import { refuseBadFetching } from '../../app.js'
import type { Config } from '../../kernel/config.js'
import { type Failure, isFailure } from '../../kernel/errors.js'
import { clusterNodes } from '../../redis/cluster-nodes.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'

export const SETTINGS_ID = 'settings'

/** Those that are read only when they are used; the others were read before any check ran. */
export const settings: Check = {
  id: SETTINGS_ID,
  run: async ({ config }) => {
    try {
      clusterNodes(config)
      await refuseBadFetching(config)
    } catch (error) {
      if (!isFailure(error, 'CONFIG_INVALID')) throw error
      return refusedSettings(error)
    }
    return ok('every setting can be read')
  },
}

export function refusedSettings(failure: Failure): Verdict {
  return fail(failure.message, failure.hint ?? 'feedctl config --help')
}

export const settingsDrivers: Check = {
  id: 'settings.drivers',
  run: async ({ config }) => judgeDrivers(config),
}

export const settingsSessions: Check = {
  id: 'settings.sessions',
  applies: ({ opsPasswordHash }) => opsPasswordHash !== null,
  run: async ({ config }) => judgeSessions(config),
}

export function judgeSessions({ sessionDriver, cacheDriver }: Pick<Config, 'sessionDriver' | 'cacheDriver'>): Verdict {
  if (sessionDriver === 'memory' && cacheDriver === 'redis') {
    return warn(
      'SESSION_DRIVER is memory: a login to the dashboard counts in one process of the API only, and ends with it',
      'SESSION_DRIVER=redis',
    )
  }
  return ok(`sessions of the dashboard in ${sessionDriver}`)
}

export function judgeDrivers(config: Pick<Config, 'dbConnection' | 'cacheDriver' | 'queueConnection'>): Verdict {
  const { dbConnection, cacheDriver, queueConnection } = config
  if (cacheDriver === 'memory' && queueConnection === 'redis') {
    return warn(
      "QUEUE_CONNECTION is redis, but CACHE_DRIVER is memory: workers share neither documents nor hosts' budgets",
      'CACHE_DRIVER=redis',
    )
  }
  return ok(`database ${dbConnection}, cache ${cacheDriver}, queue ${queueConnection}`)
}
