import { writeFile } from 'node:fs/promises'
import { type Config, type Environment, loadConfig, type SettingKey } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { SETTINGS } from '../../kernel/settings.js'
import type { DemoFolder } from './folder.js'

/** Long enough for a healthy feed on a busy machine, short enough not to hold the demo up by those that hang. */
export const FETCH_TIMEOUT_MS = 10_000

/**
 * Writes the demo's settings to its `.env` and reads them from there, and from nowhere else: whoever names that file runs on them too.
 * @throws {Failure} USAGE the folder's name cannot be written in such a file
 */
export async function settleSettings(folder: DemoFolder): Promise<Config> {
  const settings: Record<string, string> = {
    DB_CONNECTION: 'sqlite',
    CACHE_DRIVER: 'memory',
    SESSION_DRIVER: 'memory',
    QUEUE_CONNECTION: 'sync',
    FILESYSTEM_DISK: 'local',
    FEEDCTL_DATA: quoted(folder.storage),
    FEEDCTL_FETCH_ALLOW: '127.0.0.0/8',
    FEEDCTL_FETCH_TIMEOUT_MS: String(FETCH_TIMEOUT_MS),
    FEEDCTL_MEDIA_TYPES: 'none',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(folder.envFile, `# The settings of the demo: feedctl --env-file <this file> tenant list\n${lines.join('')}`)
  const { config } = loadConfig({ env: {}, envFile: folder.envFile, envFileNamed: true })
  if (config.data === folder.storage) return config
  throw new Failure('USAGE', `the name of ${folder.path} cannot be written in a .env file`, { hint: 'feedctl demo --folder' })
}

/** Names of the settings that this environment sets otherwise than the demo's `.env`: they win over it. */
export function settingsInTheWay(env: Environment, envFile: string): string[] {
  const { config } = loadConfig({ env: {}, envFile, envFileNamed: true })
  return (Object.keys(SETTINGS) as SettingKey[])
    .filter(key => {
      const text = env[SETTINGS[key].env] ?? ''
      return text !== '' && text !== String(config[key] ?? '')
    })
    .map(key => SETTINGS[key].env)
}

function quoted(text: string): string {
  if (/^[\w./:@%+,~-]+$/.test(text)) return text
  const quote = ["'", '`', '"'].find(mark => !text.includes(mark)) ?? '"'
  return `${quote}${text}${quote}`
}
