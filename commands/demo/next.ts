import { TENANTS } from '../../src/bench/demo/cast.js'
import { settingsInTheWay } from '../../src/bench/demo/settings.js'
import type { Io } from '../../src/cli/io.js'
import { invocation, shellPath } from './invocation.js'
import type { NextSteps } from './telling.js'

const READER = TENANTS[0]?.slug ?? ''

/** What can be typed next, on the data that the demo left. */
export function nextSteps(io: Io, envFile: string): NextSteps {
  const start = `${invocation(io.env, io.cwd)} --env-file ${shellPath(envFile, io.env, io.cwd)}`
  const words = ['tenant list', `tenant show ${READER}`, `feed list ${READER}`, `feed export ${READER}`]
  return { commands: words.map(line => `${start} ${line}`), unsetFirst: settingsInTheWay(io.env, envFile) }
}
