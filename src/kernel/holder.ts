import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { randomToken } from './hash.js'

const TOKEN = randomToken()
const HOST = `${hostname().slice(0, 60)}${processNamespace()}`

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
  const [pid, host] = partsOf(holder)
  return `pid ${pid} on ${host.replace(/\+\d+$/, '')}`
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

function holderWith(token: string): string {
  return `${HOST}:${process.pid}:${token}`
}

function partsOf(holder: string): [pid: number, host: string] {
  const parts = holder.split(':')
  return [Number(parts.at(-2)), parts.slice(0, -2).join(':')]
}

/** `+4026531836` on Linux: containers may share a host's name, and count their processes each for itself. */
function processNamespace(): string {
  try {
    return `+${readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}`
  } catch {
    return ''
  }
}
