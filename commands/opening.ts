import { resolve } from 'node:path'
import type { App } from '../src/app.js'
import type { Io } from '../src/cli/io.js'
import type { Config } from '../src/kernel/config.js'

/** The running feedctl of this command's settings, to be closed by its end: `await using app = await opening(io)`. */
export async function opening(io: Io): Promise<App> {
  const { openApp } = await import('../src/app.js')
  return openApp(settingsOf(io), io.log)
}

/** The settings, the data folder as an absolute path. @throws {Failure} CONFIG_INVALID */
export function settingsOf(io: Io): Config {
  const { config } = io.config()
  return { ...config, data: resolve(io.cwd, config.data) }
}
