import { isIP } from 'node:net'
import { z } from 'zod'
import { faultInCron } from '../../kernel/cron-pattern.js'

/** What is rendered goes into files of nginx, systemd, shells, YAML and HCL: values are of letters that none of them reads as anything else. */
const PATH = /^\/[A-Za-z0-9._+@/-]*$/
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

const matching = (pattern: RegExp, fault: string) => z.string().regex(pattern, fault)

/** Of a machine, a region, an installation: part of file names and labels. */
export const name = matching(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/, 'is not 1 to 32 of a-z, 0-9 and -, starting with a letter')
export const hostName = matching(HOST_NAME, 'is not the name of a host')
export const ip = z.string().refine(value => isIP(value) > 0, 'is not an IP address')
/** A name that is looked up, or an IP address without brackets. */
export const address = z.string().refine(value => isIP(value) > 0 || HOST_NAME.test(value), 'is not a host name or IP address')
export const serverAddress = z.string().refine(value => /^(.+):\d{1,5}$/.test(value) && isServer(value), 'is not host:port')
export const path = matching(PATH, 'is not an absolute path of letters, digits and ._+@/-').refine(
  value =>
    !value.split('/').some(part => part === '..' || part === '.') &&
    !value.includes('//') &&
    (value === '/' || !value.endsWith('/')),
  'is not a plain absolute path',
)
export const user = matching(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not the name of a user')
export const bucket = matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'is not the name of a bucket')
export const word = matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'is not a word of letters, digits and ._-')
export const database = matching(/^[A-Za-z0-9_]{1,48}$/, 'is not 1 to 48 letters, digits and _')
export const port = z.int('is not a whole number').min(1, 'is below 1').max(65_535, 'is above 65535')
export const time = matching(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time as 02:30')
export const cron = z.string().superRefine((value, context) => {
  const fault = faultInCron(value)
  if (fault !== null) context.addIssue({ code: 'custom', message: fault })
})
/** Where rclone copies to: a remote of its settings, and a path there. */
export const remote = matching(/^[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9._/@-]*$/, 'is not remote:path')
/** Kubernetes' own: `500m`, `2`, `512Mi`. */
export const quantity = matching(/^\d+(\.\d+)?(m|[KMGT]i?)?$/, 'is not a quantity as 500m, 2 or 512Mi')
export const image = matching(
  /^[a-z0-9]([a-z0-9._:-]*[a-z0-9])?(\/[a-z0-9][a-z0-9._-]*)*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$/,
  'is not the name of an image',
)
export const whole = (min: number, max: number) =>
  z.int('is not a whole number').min(min, `is below ${min}`).max(max, `is above ${max}`)

/** `host:port`, an IPv6 address in brackets. */
export function hostPort(host: string, portNumber: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${portNumber}`
}

/** Where a server listens whose machine has the address: there and on the machine itself. Null where only its name is known: everywhere. */
export function listenPlaces(host: string): string[] | null {
  return isIP(host) === 0 ? null : [...new Set(['127.0.0.1', host])]
}

function isServer(value: string): boolean {
  const colon = value.lastIndexOf(':')
  const host = value.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return (isIP(host) > 0 || HOST_NAME.test(host)) && Number(value.slice(colon + 1)) <= 65_535
}
