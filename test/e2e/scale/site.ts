import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type App, openApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/kernel/config.js'
import { Log } from '../../../src/kernel/log.js'
import { ask } from '../../api/ground.js'
import type { RenderedServer } from '../../infra/mariadb-place.js'
import { type CliResult, runCli } from '../../support/cli.js'
import type { TestEnv } from '../../support/drivers.js'
import { BinProcess } from '../bin-process.js'
import { MACHINES, type Machine, type RenderedScale, renderScale } from './rendered.js'
import { type Databases, startBalancer, startDatabases, startRedis, together } from './servers.js'
import { Unit } from './unit.js'

const UNITS = 'etc/systemd/system'

/** Phase Scale on this machine, everything started by its rendered files; it ends with the test. */
export class Site {
  private constructor(
    private readonly folder: string,
    readonly scale: RenderedScale,
    readonly databases: Databases,
    /** The API of each machine. */
    readonly apis: Readonly<Record<Machine, Unit>>,
    readonly supervisor: Unit,
    readonly balancer: RenderedServer,
  ) {}

  /** `folder`: the test's, empty. */
  static async start(folder: string): Promise<Site> {
    const scale = await renderScale(folder)
    const [databases] = await together([startDatabases(folder, scale), startRedis(folder, scale)])
    expect(await runCli(['init', '--env-file', scale.envFileOf('app-1')])).toMatchObject({ exit: 0 })
    const { hosts } = scale.deployment.scale.app
    const start = async (machine: Machine, service: string, path: string, portOf: 'port' | 'metrics_port') => {
      const port = hosts.find(({ name }) => name === machine)?.[portOf]
      const answers = async () => void (await bodyOf(`http://127.0.0.1:${port}`, path))
      const unit = await Unit.start(join(scale.folderOf(machine), UNITS, service), join(folder, machine), answers)
      onTestFinished(() => unit.dispose())
      return unit
    }
    const [supervisor, ...apis] = await together([
      start('app-1', 'feedctl-supervise.service', '/metrics', 'metrics_port'),
      ...MACHINES.map(machine => start(machine, 'feedctl-api.service', '/readyz', 'port')),
    ])
    const balancer = await startBalancer(folder, scale)
    const byMachine = Object.fromEntries(MACHINES.map((machine, index) => [machine, apis[index]])) as Record<Machine, Unit>
    return new Site(folder, scale, databases, byMachine, supervisor, balancer)
  }

  /** Where clients come. */
  get origin(): string {
    return `https://${this.scale.deployment.names.api}:${this.scale.deployment.scale.balancer.https_port}`
  }

  /** A command that is typed on the first machine, in this process. */
  run(argv: readonly string[]): Promise<CliResult> {
    return runCli([...argv, '--env-file', this.scale.envFileOf('app-1')], { cwd: join(this.folder, 'app-1') })
  }

  /** As a process of its own, which ends with the test. */
  type(argv: readonly string[], env: TestEnv = {}): BinProcess {
    const typed = new BinProcess(
      [...argv, '--env-file', this.scale.envFileOf('app-1')],
      { PATH: process.env.PATH ?? '', ...env },
      join(this.folder, 'app-1'),
    )
    onTestFinished(() => typed[Symbol.asyncDispose]())
    return typed
  }

  /** Closed by its caller. */
  open(): Promise<App> {
    const { config } = loadConfig({ env: {}, envFile: this.scale.envFileOf('app-1'), envFileNamed: true })
    return openApp(config, new Log(() => {}))
  }

  /** A figure of the machine's API: the sum of all that begin so, 0 where there is none yet. */
  async figure(machine: Machine, start: string): Promise<number> {
    const host = this.scale.deployment.scale.app.hosts.find(({ name }) => name === machine)
    const page = await bodyOf(`http://127.0.0.1:${host?.port}`, '/metrics')
    const found = page.split('\n').filter(line => line.startsWith(start))
    return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
}

async function bodyOf(origin: string, path: string): Promise<string> {
  const { status, body } = await ask(origin, path)
  if (status !== 200) throw new Error(`${path} is answered with ${status}`)
  return body.toString()
}
