import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { RequestHeaders } from '../../src/bench/url/headers.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, wordsOf } from '../../src/kernel/errors.js'
import type { Phase } from '../../src/watch/phases.js'
import { settingsOf } from '../opening.js'

export interface UrlFlags {
  readonly url: readonly string[]
  readonly header?: readonly string[] | undefined
  readonly headerFile?: string | undefined
  readonly connections: number
  readonly rate: number
  readonly phase?: Phase | undefined
  readonly goalMs: number
  readonly search: boolean
  readonly duration: number
  readonly repeat: number
}

/** Flags that are of feedctl's own API, which is not asked. */
const OTHERS = { nginx: '--nginx', scaling: '--scaling', workers: '--workers', tenants: '--tenants' } as const

/** Collects an option that is given again and again. */
export function listed(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

/** Measures the API of a URL. `isTold`: whether somebody said how much, by the flag of that name or by a phase. @throws {Failure} USAGE, FILE_UNREADABLE */
export async function measureUrl(io: Io, flags: UrlFlags, isTold: (name: string) => boolean) {
  const other = Object.entries(OTHERS).find(([name]) => flags.phase === undefined && isTold(name))
  if (other !== undefined) throw new Failure('USAGE', `${other[1]} is of feedctl's own API, not of --url`)
  const [{ benchUrl }, { URL_CONNECTIONS }, { asText }] = await Promise.all([
    import('../../src/bench/url/bench.js'),
    import('../../src/bench/url/load.js'),
    import('./api-url-text.js'),
  ])
  const { phase = null, goalMs, search, duration, repeat } = flags
  const load = {
    ...{ urls: flags.url, headers: await headersOf(io, flags), phase, goalMs, search, duration, repeat },
    connections: isTold('connections') ? flags.connections : URL_CONNECTIONS,
    rate: isTold('rate') ? flags.rate : null,
  }
  const result = await benchUrl({ operator: settingsOf(io), load, watcher: io, signal: io.signal })
  return { result, asText }
}

/** Those of the command line go before those of the file. */
async function headersOf(io: Io, { header = [], headerFile }: UrlFlags): Promise<RequestHeaders> {
  const { headersIn } = await import('../../src/bench/url/headers.js')
  const typed = headersIn(header, '--header')
  if (headerFile === undefined) return typed
  const path = resolve(io.cwd, headerFile)
  const text = await readFile(path, 'utf8').catch(error => {
    throw new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error })
  })
  return { ...headersIn(text.split('\n'), path), ...typed }
}
