import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { examples } from '../program.js'

export function registerDescribe(infra: Command, io: Io): void {
  const command = infra
    .command('describe')
    .description('print a description of a deployment with every key, as YAML: the default one, or a file with its defaults')
    .option('--deployment <file>', 'description of the deployment, YAML or JSON')
    .action(async ({ deployment: file }) => {
      const { asYaml, defaultDeployment, readDeployment } = await import('../../src/infra/description/read.js')
      const deployment = file === undefined ? defaultDeployment() : await readDeployment(resolve(io.cwd, file))
      io.print(deployment, asYaml)
    })
  examples(command, ['feedctl infra describe', 'feedctl infra describe --deployment deployment.yaml --json'])
}
