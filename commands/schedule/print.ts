import { Argument, type Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { settingsOf } from '../opening.js'
import { examples } from '../program.js'
import { invocationOf, sayLostSettings, sayRoot, userOf, whoRuns } from './starting.js'

export function registerPrint(schedule: Command, io: Io): void {
  const command = schedule
    .command('print')
    .description('print what cron or systemd needs to begin everything by itself; `schedule install` puts it in its place')
    .addArgument(new Argument('<for>', 'who begins it').choices(['cron', 'systemd'] as const))
    .option('--user', "systemd: units of one's own instead of the machine's")
    .option('--run-as <user>', "systemd: who the machine's units run as")
    .action(async (which, { user, runAs }) => {
      refuseFlags(which, user === true, runAs)
      const config = settingsOf(io)
      const invocation = invocationOf(io)
      if (which === 'cron') {
        const { crontab } = await import('../../src/schedule/crontab.js')
        io.write(crontab(invocation, config))
      } else {
        const { systemdUnits } = await import('../../src/schedule/systemd.js')
        const scope = user ? 'user' : 'system'
        const units = systemdUnits({ ...invocation, scope, runAs: scope === 'system' ? userOf(io, runAs) : whoRuns(io) }, config)
        const { unitFolder } = await import('./places.js')
        const folder = unitFolder(io, scope, null)
        io.write(units.map(unit => `# ${folder}/${unit.name}\n${unit.text}`).join('\n'))
        sayRoot(io, scope, runAs)
      }
      await sayLostSettings(io, invocation)
    })
  examples(command, [
    'feedctl schedule print cron',
    'feedctl schedule print systemd --run-as feedctl',
    'feedctl schedule print systemd --user',
  ])
}

function refuseFlags(which: 'cron' | 'systemd', user: boolean, runAs: string | undefined): void {
  if (which === 'cron' && (user || runAs !== undefined)) {
    throw new Failure('USAGE', '--user and --run-as are for systemd', {
      hint: 'feedctl schedule install --cron --run-as <user> writes into the crontab of another',
    })
  }
  if (user && runAs !== undefined) {
    throw new Failure('USAGE', "--user and --run-as exclude each other: one's own units run as oneself", {
      hint: 'feedctl schedule print systemd --help',
    })
  }
}
