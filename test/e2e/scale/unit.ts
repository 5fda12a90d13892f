import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RenderedServer } from '../../infra/mariadb-place.js'
import { findProgram } from '../../support/server.js'
import { childrenOf } from '../serving.js'
import { isAlive } from '../supervision.js'

/** What the manager gives to every service. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * A service of a rendered unit. There is no systemd here, so the test does of its work what is needed: the words of ExecStart run in the unit's folder, with the
 * variables of its EnvironmentFile and no others; a start after a death comes RestartSec later. Its confinement and its user are not.
 */
export class Unit {
  private constructor(
    private readonly server: RenderedServer,
    private readonly restartMs: number,
  ) {}

  /** Resolves when the service answers; its log is in the folder. */
  static async start(path: string, folder: string, answers: () => Promise<void>): Promise<Unit> {
    const lines = serviceLines(readFileSync(path, 'utf8'))
    const one = (key: string) => {
      const [value, ...more] = lines.get(key) ?? []
      if (value === undefined || more.length > 0) throw new Error(`${path} has not one ${key}`)
      return value
    }
    if (one('Restart') !== 'always') throw new Error(`${path} is not started again`)
    const variables = (lines.get('EnvironmentFile') ?? []).flatMap(variablesIn)
    const clean = ['-i', '-C', one('WorkingDirectory'), `PATH=${PATH}`, ...variables]
    const command = [findProgram(['env'], 'coreutils'), ...clean, ...wordsIn(one('ExecStart'))] as const
    const own = join(folder, basename(path))
    mkdirSync(own)
    const server = new RenderedServer(own, command, answers)
    const unit = new Unit(server, Number(one('RestartSec')) * 1_000)
    await server.start()
    return unit
  }

  get pid(): number {
    return this.server.pid
  }

  get children(): number[] {
    return childrenOf(this.pid)
  }

  /** What is left of a service whose machine goes: nothing. */
  async kill(): Promise<void> {
    const children = this.children
    await this.server.kill()
    for (const pid of children) end(pid)
  }

  /** As Restart= has it. */
  async startAgain(): Promise<void> {
    await pause(this.restartMs)
    await this.server.start()
  }

  /** Drains it; what it forked ends with it, at the latest now. */
  async dispose(): Promise<void> {
    const children = this.children
    await this.server.dispose()
    for (const pid of children) if (isAlive(pid)) end(pid)
  }
}

/** Of the section Service, the values of each key in their order. */
function serviceLines(text: string): Map<string, string[]> {
  const sections = text.split(/^\[(\w+)\]$/m)
  const section = sections[sections.indexOf('Service') + 1] ?? ''
  const lines = new Map<string, string[]>()
  for (const line of section.split('\n')) {
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) lines.set(key, [...(lines.get(key) ?? []), value])
  }
  return lines
}

/** One that begins with - need not be there. */
function variablesIn(value: string): string[] {
  const path = value.replace(/^-/, '')
  if (value.startsWith('-') && !existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => /^\w+=/.test(line))
}

function wordsIn(command: string): string[] {
  return [...command.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '').replaceAll('%%', '%').replaceAll('$$', '$'),
  )
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
