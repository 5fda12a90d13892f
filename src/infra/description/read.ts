import { readFile } from 'node:fs/promises'
import { parse, stringify } from 'yaml'
import type { z } from 'zod'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { faultsInRegions } from './enterprise.js'
import { faultsInMachines } from './machines.js'
import { type Deployment, deploymentSchema } from './schema.js'
import { faultsInSecrets, faultsInSettings } from './settings.js'

const MAX_BYTES = 1_048_576
/** What every installation has; the bucket's counts as one though media may be null. */
const GIVEN_SECRETS = ['DB_PASSWORD', 'REDIS_PASSWORD', 'REDIS_URL', 'FEEDCTL_MEDIA_KEY', 'WASABI_SECRET_ACCESS_KEY']
const HINT = 'feedctl infra describe prints a description with every key'

/** The description in the file, YAML or JSON, with the defaults of what it leaves out. @throws {Failure} FILE_UNREADABLE, CONFIG_INVALID naming every mistake at once */
export async function readDeployment(file: string): Promise<Deployment> {
  const bytes = await readFile(file).catch(error => {
    throw new Failure('FILE_UNREADABLE', `cannot read ${file}: ${wordsOf(error)}`, { cause: error })
  })
  if (bytes.length > MAX_BYTES) throw new Failure('CONFIG_INVALID', `${file} is larger than 1 MiB`, { hint: HINT })
  return parseDeployment(bytes.toString('utf8'), file)
}

/** @throws {Failure} CONFIG_INVALID; `where` is named in it */
export function parseDeployment(text: string, where: string): Deployment {
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 20 }) ?? {}
  } catch (error) {
    throw new Failure('CONFIG_INVALID', `${where} is not YAML: ${wordsOf(error).split('\n', 1)[0]}`, { hint: HINT, cause: error })
  }
  const read = deploymentSchema.safeParse(value)
  const faults = read.success
    ? [
        ...faultsInSettings(read.data.settings),
        ...faultsInSecrets(read.data.secrets, GIVEN_SECRETS),
        ...faultsInMachines(read.data),
        ...faultsInRegions(read.data.enterprise),
      ]
    : read.error.issues.flatMap(issue => wordsOfIssue(issue))
  if (read.success && faults.length === 0) return read.data
  throw new Failure('CONFIG_INVALID', `${where}: ${faults.join('; ')}`, { hint: HINT })
}

/** The description that is used where none is given. */
export function defaultDeployment(): Deployment {
  return deploymentSchema.parse({})
}

export function asYaml(deployment: Deployment): string {
  return stringify(deployment, { lineWidth: 0 })
}

function wordsOfIssue(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => `${at === '' ? key : `${at}.${key}`} is not a key of it`)
  if (issue.code === 'invalid_type') return [`${at === '' ? 'the description' : at} is not ${wordOfType(issue.expected)}`]
  if (issue.code === 'invalid_value') return [`${at} is not one of ${issue.values.join(', ')}`]
  return [`${at} ${issue.code === 'invalid_union' ? 'is not a value that is known there' : issue.message}`]
}

function wordOfType(type: string): string {
  return (
    { object: 'a map of keys', record: 'a map of keys', array: 'a list', string: 'text', int: 'a whole number' }[type] ??
    `a ${type}`
  )
}
