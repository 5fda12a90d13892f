import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { asYaml } from '../../../src/infra/description/read.js'
import type { Deployment } from '../../../src/infra/description/schema.js'
import { secretFileName, secretsOf } from '../../../src/infra/scale/env.js'
import { makeCertificate, onOneMachine } from '../../infra/ground.js'
import { BIN } from '../../support/bin.js'
import { runCli } from '../../support/cli.js'
import { findFreePort } from '../../support/server.js'

/** The machines of the application: each serves, the first has the workers too. */
export const MACHINES = ['app-1', 'app-2', 'app-3'] as const
export type Machine = (typeof MACHINES)[number]

/** Phase Scale as `feedctl infra render` wrote it, with what an operator adds: passwords and a certificate. */
export interface RenderedScale {
  readonly deployment: Deployment
  /** The folder of a machine: its files are in there by their destinations. */
  readonly folderOf: (machine: string) => string
  /** Of the settings of feedctl there, an absolute path. */
  readonly envFileOf: (machine: Machine) => string
  readonly certificate: string
  readonly redisPassword: string
  readonly databasePassword: string
  readonly replicationPassword: string
}

/**
 * Renders a description whose machines are all this one. A machine has one place for its settings, so it is rendered once for each machine of the application,
 * with a place of its own, and nothing else is another: of each rendering that machine's folder is used.
 */
export async function renderScale(folder: string): Promise<RenderedScale> {
  const common = await describeHere(folder)
  const password = () => randomBytes(18).toString('hex')
  const passwords = { redis: password(), database: password(), replication: password() }
  for (const machine of MACHINES) {
    const at = (name: string) => join(folder, machine, name)
    const install = { ...common.scale.install, config: at('etc'), data: at('data') }
    const deployment = { ...common, scale: { ...common.scale, install } }
    for (const place of [install.config, install.data]) mkdirSync(place, { recursive: true })
    writeFileSync(at('deployment.yaml'), asYaml(deployment))
    const argv = ['infra', 'render', '--phase', 'scale', '--out', at('out'), '--deployment', at('deployment.yaml')]
    expect(await runCli(argv)).toMatchObject({ exit: 0 })
    copyFileSync(join(at('out'), machine, install.config, 'feedctl.env'), join(install.config, 'feedctl.env'))
    const secrets: Record<string, string> = { DB_PASSWORD: passwords.database, REDIS_PASSWORD: passwords.redis }
    for (const name of secretsOf(deployment)) {
      writeFileSync(join(install.config, secretFileName(name)), `${secrets[name] ?? password()}\n`, { mode: 0o600 })
    }
  }
  const { tls } = common.scale.balancer
  if (tls === null) throw new Error('it is described with TLS')
  mkdirSync(dirname(tls.certificate), { recursive: true })
  makeCertificate(tls, [common.names.api])
  return {
    deployment: common,
    folderOf: machine => join(folder, isApp(machine) ? machine : MACHINES[0], 'out', machine),
    envFileOf: machine => join(folder, machine, 'etc', 'feedctl.env'),
    certificate: tls.certificate,
    redisPassword: passwords.redis,
    databasePassword: passwords.database,
    replicationPassword: passwords.replication,
  }
}

async function describeHere(folder: string): Promise<Deployment> {
  const [api, figures, replicaPort] = [await ports(), await ports(), await findFreePort()]
  const hosts = MACHINES.map((name, index) => ({
    ...{ name, address: '127.0.0.1', port: api[index], metrics_port: figures[index] },
    roles: index === 0 ? ['api', 'workers', 'scheduler'] : ['api'],
  }))
  const place = (name: string) => {
    const path = join(folder, 'replica', name)
    mkdirSync(path, { recursive: true })
    return path
  }
  const replica = { address: '127.0.0.1', port: replicaPort, memory_mb: 256 }
  const described = await onOneMachine(
    folder,
    {
      app: { hosts, memory_mb: 2048, processes: 1, workers: { min: 2, max: 2 }, pool: 4 },
      database: { replica: { ...replica, data: place('data'), logs: place('log'), run: place('run') } },
      // All clients are at one address.
      balancer: { client_rate: null, client_connections: null },
    },
    {
      names: { api: '127.0.0.1', media: null },
      settings: {
        // Feeds are published on this machine, whose clients are at one address.
        ...{ FEEDCTL_FETCH_ALLOW: '127.0.0.0/8', FEEDCTL_MEDIA_TYPES: 'none', FEEDCTL_API_RATE: 0 },
        FEEDCTL_DRAIN_MS: 5_000,
      },
    },
  )
  const install = { ...described.scale.install, bin: BIN }
  return { ...described, scale: { ...described.scale, install } }
}

function ports(): Promise<number[]> {
  return Promise.all(MACHINES.map(() => findFreePort()))
}

function isApp(machine: string): machine is Machine {
  return (MACHINES as readonly string[]).includes(machine)
}
