import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { randomToken, shortNumber } from './hash.js'

const TOKEN = randomToken()
const HOST = `${hostname().slice(0, 60)}${processCountOf(readBootId(), readNamespace())}`

/** What the names of this machine's holders start with. */
export function thisMachine(): string {
  return HOST
}

/** Names this process to others: `host:pid:token`. Fits 120 characters. */
export function thisProcess(): string {
  return holderWith(TOKEN)
}

/** Names one undertaking of this process to others, this process's own included: `host:pid:token`. Fits 120 characters. */
export function newHolder(): string {
  return holderWith(randomToken())
}

/** `pid 123 on host`, for people. */
export function holderWords(holder: string): string {
  return `pid ${partsOf(holder)[0]} on ${machineNameOf(holder)}`
}

/** Its machine's name, the same after every start of it. */
export function machineNameOf(holder: string): string {
  return partsOf(holder)[1].replace(/\+\d+$/, '')
}

/** True when the holder is known to have ended: it ran on this machine and no process has its number. */
export function holderIsGone(holder: string): boolean {
  const [pid, host] = partsOf(holder)
  if (host !== HOST || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Whether two undertakings are, or were, of one process. */
export function isSameProcess(one: string, other: string): boolean {
  return one.slice(0, one.lastIndexOf(':')) === other.slice(0, other.lastIndexOf(':'))
}

function holderWith(token: string): string {
  return `${HOST}:${process.pid}:${token}`
}

function partsOf(holder: string): [pid: number, host: string] {
  const parts = holder.split(':')
  return [Number(parts.at(-2)), parts.slice(0, -2).join(':')]
}

/**
 * `+123456789012345`, the same for all whose process numbers mean the same processes. Containers may share a host's name, and machines that were
 * cloned have one name, one id and one number of their first namespace; no two have booted as one. '' where nothing of it is known.
 */
export function processCountOf(bootId: string, namespace: string): string {
  return bootId === '' && namespace === '' ? '' : `+${shortNumber(`${bootId} ${namespace}`)}`
}

/** New with every start of the kernel; '' elsewhere than on Linux. */
function readBootId(): string {
  return orNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
}

function readNamespace(): string {
  return orNothing(() => readlinkSync('/proc/self/ns/pid'))
}

function orNothing(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
