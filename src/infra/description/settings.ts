import { nearest } from '../../kernel/nearest.js'
import { SETTINGS } from '../../kernel/settings.js'

const BY_NAME = new Map(Object.values(SETTINGS).map(setting => [setting.env as string, setting]))
/** What other keys of the description say. */
const DESCRIBED =
  /^(DB_|REDIS_|WASABI_|(CACHE|SESSION)_DRIVER$|QUEUE_CONNECTION$|FILESYSTEM_DISK$|FEEDCTL_(DATA|DATABASE_PREFIX|DB_POOL|MEDIA_PREFIX|METRICS_LISTEN|TRUSTED_PROXIES)$)/
/** What an env file, a unit and a ConfigMap have as it is. */
const PLAIN = /^[\w .,:;/@%+*?!~=()[\]{}|<>&^-]*$/

/** What is wrong with further settings of the description; empty when nothing is. */
export function faultsInSettings(settings: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const fault = faultIn(name, String(value))
    return fault === null ? [] : [`settings.${name} ${fault}`]
  })
}

/** Of the names of secrets; `given` are those that are there in any case. */
export function faultsInSecrets(names: readonly string[], given: readonly string[]): string[] {
  return names.flatMap(name => {
    const setting = BY_NAME.get(name)
    if (setting === undefined || !('secret' in setting))
      return [`secrets has ${JSON.stringify(name)}, which is no secret setting`]
    return given.includes(name) ? [`secrets has ${name}, which is there in any case`] : []
  })
}

function faultIn(name: string, value: string): string | null {
  const setting = BY_NAME.get(name)
  const secret = setting === undefined ? BY_NAME.get(name.replace(/_FILE$/, '')) : setting
  if (secret !== undefined && 'secret' in secret) return 'is a secret, which no rendered file holds'
  if (setting === undefined) {
    const near = nearest(name, [...BY_NAME.keys()])
    return `is not a setting${near === null ? '' : `, did you mean ${near}?`}`
  }
  if (DESCRIBED.test(name)) return 'is given by other keys of the description'
  if (!PLAIN.test(value)) return 'has a letter that files of settings do not take as it is'
  const read = setting.schema.safeParse(value)
  return read.success ? null : (read.error.issues[0]?.message ?? 'is not valid')
}
