import type { Command } from '@commander-js/extra-typings'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { hostView } from './view.js'

export function registerDrain(host: Command, io: Io): void {
  const command = host
    .command('drain')
    .description('place no new tenants on a database host; those that are there stay, and are served')
    .argument('<name>')
    .option('--undo', 'place new tenants there again')
    .action(async (name, { undo }) => {
      await using app = await opening(io)
      const [{ setHostState }, { tenantsByHost }, { moveHint }] = await Promise.all([
        import('../../src/tenants/hosts/changing.js'),
        import('../../src/tenants/hosts/placing.js'),
        import('../../src/tenants/hosts/removing.js'),
      ])
      const changed = await setHostState(app.catalog, name, undo === true ? 'open' : 'draining')
      const tenants = (await tenantsByHost(app.catalog)).get(changed.id) ?? 0
      const next = changed.state === 'open' ? null : tenants > 0 ? moveHint(name) : `feedctl host remove ${name} --yes`
      io.print({ host: hostView(changed), tenants, next }, (_, style) =>
        changed.state === 'open'
          ? `${style.green('open')}: ${style.bold(name)} takes new tenants`
          : [
              `${style.yellow('draining')}: ${style.bold(name)} takes no new tenants; ${counted(tenants, 'tenant')} left there`,
              ...(name === 'default' && tenants === 0 ? [] : [`next: ${next}`]),
            ].join('\n'),
      )
    })
  examples(command, ['feedctl host drain db2', 'feedctl host drain db2 --undo'])
}
