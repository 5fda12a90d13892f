import { z } from 'zod'
import { faultInCron } from './cron-pattern.js'
import { readPasswordHash } from './password-hash.js'
import { readCosts } from './read-costs.js'
import { readWords } from './read-words.js'

export const MEBIBYTE = 1024 * 1024

/** One setting: its environment name, how its text is read, its default, one line for the operator. */
export interface Setting<T> {
  readonly env: string
  readonly schema: z.ZodType<T>
  readonly default: T
  readonly doc: string
  /** Never shown: `feedctl config` prints `***`, and `<env>_FILE` may name a file that holds it. */
  readonly secret?: true
}

export function setting<T>(env: string, schema: z.ZodType<T>, fallback: NoInfer<T>, doc: string): Setting<T> {
  return { env, schema, default: fallback, doc }
}

export function secret(env: string, doc: string, schema: z.ZodType<string | null> = text): Setting<string | null> {
  return { env, schema, default: null, doc, secret: true }
}

export const text: z.ZodType<string | null> = z.string().min(1)
export const words: z.ZodType<string> = z.string().min(1)
export const path: z.ZodType<string> = z.string().min(1)
export const list: z.ZodType<readonly string[]> = z.string().transform(value =>
  value
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== ''),
)
export const driver = <const T extends readonly [string, ...string[]]>(...names: T): z.ZodType<T[number]> => z.enum(names)
export const whole = (min: number, max: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d+$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `is below ${min}`).max(max, `is above ${max}`))
export const orNull = <T>(schema: z.ZodType<T>): z.ZodType<T | null> => schema
export const prefix: z.ZodType<string> = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,15}$/, 'is not 1 to 16 of a-z, 0-9 and _, starting with a letter')
export const database: z.ZodType<string> = z.string().regex(/^[A-Za-z0-9_]{1,48}$/, 'is not 1 to 48 letters, digits and _')
export const cron: z.ZodType<string> = z.string().superRefine((value, context) => {
  const fault = faultInCron(value)
  if (fault !== null) context.addIssue({ code: 'custom', message: fault })
})
export const listen: z.ZodType<string> = z
  .string()
  .regex(/^([\w.-]+:|\[[0-9a-fA-F:]+\]:)?\d{1,5}$/, 'is not a port or host:port')
  .refine(value => Number(/\d+$/.exec(value)) <= 65_535, 'has no port up to 65535')
/** Or the path of a socket. */
export const serverAddress: z.ZodType<string | null> = z
  .string()
  .regex(/^(\/.+|(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?)$/, 'is not host:port or the path of a socket')
  .refine(
    value => value.startsWith('/') || !(Number(/:(\d+)$/.exec(value.replace(/^\[.*\]/, ''))?.[1] ?? 1) > 65_535),
    'has no port up to 65535',
  )
/** Pages are no media, whatever is asked for: one that is kept is one that may be shown. */
export const PAGE_TYPES: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml'])
export const mediaTypes: z.ZodType<readonly string[]> = list
  .refine(
    types => types.every(type => /^(image|audio|video|none|[a-z]+\/[a-z0-9.+-]+)$/.test(type)),
    'is not a comma list of image, audio, video, MIME types or none',
  )
  .refine(types => !types.some(type => PAGE_TYPES.has(type)), 'names pages, which are never stored')
  .transform(types => (types.includes('none') ? [] : types))
export const mediaPrefix: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/, 'is not words of letters, digits, - and _, joined by /')
  .max(100, 'is longer than 100')
export const mediaKey: z.ZodType<string | null> = z.string().min(16, 'has fewer than 16 characters')
export const decimal: z.ZodType<number> = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'is not a number')
  .transform(Number)
export const webAddress: z.ZodType<string | null> = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' })
export const webhook: z.ZodType<string | null> = z.string().refine(isWebhook, 'is not an http(s) URL')
export const originList: z.ZodType<readonly string[]> = list.refine(
  origins => origins.every(origin => origin === '*' || /^https?:\/\/[^/?#@\s]+$/.test(origin)),
  'is not a comma list of origins as https://app.example.com, or *',
)
export const proxyList: z.ZodType<readonly string[]> = list.refine(
  proxies => proxies.every(proxy => /^([0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(\/\d{1,3})?$/.test(proxy)),
  'is not a comma list of addresses and CIDRs',
)
/** An object of words by host; the words of a mistake never repeat it. */
export const hostPasswords: z.ZodType<string | null> = z
  .string()
  .refine(value => readWords(value) !== null, 'is not JSON as {"host": "password"}')
/** Sums by phase, ranges or parts; never below 0. */
export const costs: z.ZodType<string | null> = z
  .string()
  .refine(
    value => readCosts(value) !== null,
    'is not JSON of sums, [from, to] or {part: sum} by mvp, growth, scale, enterprise, with a currency or without',
  )
/** As `feedctl serve password` prints it. */
export const passwordHash: z.ZodType<string | null> = z
  .string()
  .refine(value => readPasswordHash(value) !== null, 'is not a hash that `feedctl serve password` prints')

/** Its name and password, if it has them, can be read as well. */
function isWebhook(value: string): boolean {
  try {
    const { protocol, username, password } = new URL(value)
    decodeURIComponent(username + password)
    return /^https?:$/.test(protocol)
  } catch {
    return false
  }
}
