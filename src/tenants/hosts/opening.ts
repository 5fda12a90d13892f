import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { readWords } from '../../kernel/read-words.js'
import { type DatabaseServer, openFolder, openMysql } from '../databases/index.js'
import { DEFAULT_HOST, parseServerAddress } from './names.js'
import type { HostRow } from './rows.js'

type Place = Pick<HostRow, 'name' | 'username'>

/**
 * A server at the address with the credentials of the host: the host itself, or a replica of it. Connects to nothing until it is used; the one who opens it closes it.
 * @throws {Failure} CONFIG_INVALID without a password for it
 */
export async function openHost(config: Config, host: Place, address: string): Promise<DatabaseServer> {
  if (config.dbConnection === 'sqlite') return openFolder(config, { name: host.name, folder: address })
  const username = host.username ?? config.dbUsername
  const password = passwordOf(config, { name: host.name, username })
  return openMysql(config, { ...parseServerAddress(address), name: host.name, username, password })
}

/** As FEEDCTL_HOST_PASSWORDS has it, or DB_PASSWORD for the user of the DB_* settings. @throws {Failure} CONFIG_INVALID */
function passwordOf(config: Config, { name, username }: { name: string; username: string }): string | null {
  const known = readWords(config.hostPasswords ?? '{}') ?? {}
  const own = Object.hasOwn(known, name) ? known[name] : undefined
  if (own !== undefined) return own === '' ? null : own
  if (name === DEFAULT_HOST || username === config.dbUsername) return config.dbPassword
  throw new Failure('CONFIG_INVALID', `FEEDCTL_HOST_PASSWORDS has no password for the database host ${name} (user ${username})`, {
    hint: `FEEDCTL_HOST_PASSWORDS='{"${name}": "..."}', or FEEDCTL_HOST_PASSWORDS_FILE`,
  })
}
