import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import type { TestEnv } from './drivers.js'
import { type MariadbServer, startMariadb } from './mariadb.js'

/** A further database host for the tests of a block: a private MariaDB, or a folder on SQLite. */
export interface SecondHost {
  readonly address: string
  /** `env` with the password of the host under the name. */
  with(env: TestEnv, name: string): TestEnv
  /** The server of it. @throws on SQLite */
  readonly server: MariadbServer
}

/** Starts it before the tests of the block, and removes it after them. */
export function secondHost(kind: 'sqlite' | 'mysql'): SecondHost {
  let server: MariadbServer | null = null
  const folder = kind === 'sqlite' ? mkdtempSync(join(tmpdir(), 'feedctl-host-')) : null
  beforeAll(async () => {
    if (kind === 'mysql') server = await startMariadb()
  })
  afterAll(async () => {
    await server?.dispose()
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  })
  const started = () => {
    if (server === null) throw new Error('there is no such server')
    return server
  }
  return {
    get address() {
      return folder === null ? `${started().host}:${started().port}` : join(folder, 'disk')
    },
    get server() {
      return started()
    },
    with: (env, name) => ({
      ...env,
      ...(kind === 'mysql' ? { FEEDCTL_HOST_PASSWORDS: JSON.stringify({ [name]: started().password }) } : {}),
    }),
  }
}
