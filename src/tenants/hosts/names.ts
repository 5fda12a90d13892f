import { isAbsolute, normalize } from 'node:path'
import { Failure } from '../../kernel/errors.js'

/** The host of the DB_* settings, or of FEEDCTL_DATA: the one that the catalog is on. */
export const DEFAULT_HOST = 'default'

/** Where a MySQL server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** Path of a socket; null to use host and port. */
  readonly socket: string | null
}

/** @throws {Failure} HOST_INVALID */
export function parseHostName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,39}$/.test(text)) return text
  throw new Failure('HOST_INVALID', `${JSON.stringify(text.slice(0, 60))} is no name for a database host`, {
    hint: '1 to 40 of a-z, 0-9 and -, starting with a letter',
  })
}

/** Of hosts, as their operator names it: `eu`, `us-east-1`. @throws {Failure} HOST_INVALID */
export function parseRegion(text: string): string {
  if (/^[a-z][a-z0-9-]{0,39}$/.test(text)) return text
  throw new Failure('HOST_INVALID', `${JSON.stringify(text.slice(0, 60))} is no name for a region`, {
    hint: '1 to 40 of a-z, 0-9 and -, starting with a letter',
  })
}

/** `host:port`, `host` (port 3306), `[ipv6]:port` or the path of a socket. @throws {Failure} HOST_INVALID */
export function parseServerAddress(text: string): ServerAddress {
  if (isAbsolute(text)) return { host: '', port: 0, socket: normalize(text) }
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(found?.[3] ?? 3306)
  const host = found?.[1] ?? found?.[2]
  if (host !== undefined && host.length <= 200 && port >= 1 && port <= 65_535) return { host, port, socket: null }
  throw new Failure('HOST_INVALID', `${JSON.stringify(text.slice(0, 100))} is no address of a database server`, {
    hint: 'host:port, or the path of a socket',
  })
}

/** The folder of a host on SQLite. @throws {Failure} HOST_INVALID */
export function parseFolderAddress(text: string): string {
  const path = normalize(text)
  if (isAbsolute(path) && path.length <= 255 && path !== '/') return path.replace(/\/$/, '')
  throw new Failure('HOST_INVALID', `${JSON.stringify(text.slice(0, 100))} is no folder for databases`, {
    hint: 'an absolute path of up to 255 characters',
  })
}
