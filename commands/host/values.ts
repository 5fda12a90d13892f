import { resolve } from 'node:path'
import type { App } from '../../src/app.js'
import type { Io } from '../../src/cli/io.js'
import type { HostWish } from '../../src/tenants/hosts/changing.js'
import { wholeNumber } from '../program.js'

/** The flags of `add` and `set`. */
export interface HostFlags {
  readonly address?: string
  readonly username?: string
  readonly weight?: number
  readonly maxTenants?: number | 'none'
  readonly connections?: number | 'none'
  readonly readAddress?: string
  readonly region?: string
}

export const weight = wholeNumber(0, 1_000_000)
export const maxTenants = orNone(wholeNumber(0, 100_000_000))
export const connections = orNone(wholeNumber(1, 100_000))

/** An address of SQLite files is a folder, as seen from the working folder. */
export function wishOf({ config }: App, io: Io, flags: HostFlags): HostWish {
  const { address, username, readAddress, region } = flags
  return {
    ...(address === undefined ? {} : { address: config.dbConnection === 'sqlite' ? resolve(io.cwd, address) : address }),
    ...(username === undefined ? {} : { username }),
    ...(flags.weight === undefined ? {} : { weight: flags.weight }),
    ...(flags.maxTenants === undefined ? {} : { maxTenants: flags.maxTenants === 'none' ? null : flags.maxTenants }),
    ...(flags.connections === undefined ? {} : { maxConnections: flags.connections === 'none' ? null : flags.connections }),
    ...(readAddress === undefined ? {} : { readAddress: readAddress === 'none' ? null : readAddress }),
    ...(region === undefined ? {} : { region: region === 'none' ? null : region }),
  }
}

function orNone(read: (text: string) => number): (text: string) => number | 'none' {
  return text => (text === 'none' ? 'none' : read(text))
}
