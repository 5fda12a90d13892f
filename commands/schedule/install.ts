import { type Command, Option } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Change } from '../../src/schedule/placing.js'
import { settingsOf } from '../opening.js'
import { examples } from '../program.js'
import { invocationOf, isRoot, sayLostSettings, sayRoot, userOf, whoRuns } from './starting.js'

interface InstallFlags {
  user?: true
  cron?: true
  systemd?: true
  remove?: true
  replace?: true
  dryRun?: true
  runAs?: string
  root?: string
}

interface Installed {
  readonly kind: 'cron' | 'systemd'
  readonly dryRun: boolean
  readonly changes: readonly Change[]
  /** Command lines that were run, in their order, or would be. */
  readonly ran: readonly string[]
  /** What is left to be typed. */
  readonly left: readonly string[]
}

export function registerInstall(schedule: Command, io: Io): void {
  const command = schedule
    .command('install')
    .description('let systemd or cron begin everything by itself on this machine')
    .option('--systemd', 'by units of systemd (default where it runs)')
    .option('--cron', "by lines of the user's crontab (default elsewhere)")
    .option('--user', "systemd: units of one's own instead of the machine's (default unless root)")
    .option('--run-as <user>', "whose crontab, or who the machine's units run as (default: who types it, sudo or not)")
    .option('--remove', 'take it out again')
    .option('--replace', "also what another installation's folder or env file has put there")
    .option('--dry-run', 'say what would be changed, and change nothing')
    .addOption(new Option('--root <folder>', 'the root folder of another machine').hideHelp())
    .action(flags => install(io, flags))
  examples(command, [
    'feedctl schedule install --dry-run',
    'sudo feedctl schedule install --run-as feedctl --yes',
    'feedctl schedule install --cron --yes',
    'feedctl schedule install --remove --yes',
  ])
}

async function install(io: Io, flags: InstallFlags): Promise<void> {
  refuseFlags(io, flags)
  const { whatIsThere } = await import('./places.js')
  const kind = flags.cron ? 'cron' : flags.systemd || flags.user ? 'systemd' : whatIsThere(io, flags.root ?? null)
  const installed = kind === 'cron' ? await installCron(io, flags) : await installSystemd(io, flags)
  io.print(installed, value => asText(value, flags.remove === true))
  if (!flags.remove) await sayLostSettings(io, invocationOf(io))
}

function refuseFlags(io: Io, { cron, systemd, user, runAs, root }: InstallFlags): void {
  const help = { hint: 'feedctl schedule install --help' }
  if (cron && (systemd || user)) throw new Failure('USAGE', '--cron goes with neither --systemd nor --user', help)
  if (user && runAs !== undefined) {
    throw new Failure('USAGE', "--user and --run-as exclude each other: one's own units run as oneself", help)
  }
  if (runAs !== undefined && root === undefined && !isRoot() && runAs !== whoRuns(io)) {
    throw new Failure('USAGE', `only root can install for ${userOf(io, runAs)}`, {
      hint: 'sudo feedctl schedule install --run-as <user>, or without --run-as for oneself',
    })
  }
}

/** Whose units and lines may be replaced and removed. */
async function ownerOf(io: Io, { replace }: InstallFlags): Promise<string | null> {
  const { ownerLine } = await import('../../src/schedule/invocation.js')
  return replace ? null : ownerLine(invocationOf(io))
}

async function installCron(io: Io, flags: InstallFlags): Promise<Installed> {
  const [{ crontabOf }, { editCrontab }, { crontabBlock }] = await Promise.all([
    import('./places.js'),
    import('../../src/schedule/placing.js'),
    import('../../src/schedule/crontab.js'),
  ])
  const [user, dryRun, owner] = [userOf(io, flags.runAs), flags.dryRun === true, await ownerOf(io, flags)]
  const crontab = crontabOf(io, user, flags.root ?? null)
  const block = flags.remove ? null : crontabBlock(invocationOf(io), settingsOf(io))
  const folder = await dataFolderFor(io, flags, user)
  const planned = await editCrontab(crontab, block, { owner, dryRun: true })
  if (dryRun) return { kind: 'cron', dryRun, changes: [...folder.changes, ...planned], ran: [], left: [] }
  await io.confirm(`change ${crontab.where}`)
  await folder.make()
  const changes = [...folder.changes, ...(await editCrontab(crontab, block, { owner, dryRun }))]
  return { kind: 'cron', dryRun, changes, ran: [], left: [] }
}

async function installSystemd(io: Io, flags: InstallFlags): Promise<Installed> {
  const [{ systemdRuns, unitFolder }, placing, { command }, { systemdUnits }, { systemctlSteps }] = await Promise.all([
    import('./places.js'),
    import('../../src/schedule/placing.js'),
    import('../../src/schedule/programs.js'),
    import('../../src/schedule/systemd.js'),
    import('../../src/schedule/systemctl.js'),
  ])
  const [root, dryRun] = [flags.root ?? null, flags.dryRun === true]
  const scope = flags.user || !isRoot() ? 'user' : 'system'
  const folder = unitFolder(io, scope, root)
  const runAs = scope === 'system' ? userOf(io, flags.runAs) : whoRuns(io)
  const units = flags.remove ? [] : systemdUnits({ ...invocationOf(io), scope, runAs }, settingsOf(io))
  if (units.length > 0) sayRoot(io, scope, flags.runAs)
  const placements = await placing.planUnits(folder, units, await ownerOf(io, flags))
  const changes = placing.changesOf(placements)
  const steps = systemctlSteps(changes, units, scope)
  const runs = root === null && systemdRuns(root)
  const data = await dataFolderFor(io, flags, runAs)
  if (!dryRun) {
    await io.confirm(`${flags.remove ? 'remove feedctl from' : 'write units into'} ${folder}`)
    await data.make()
    if (runs) for (const args of steps.before) await command('systemctl', args)
    await placing.place(placements, 0o644)
    if (runs) for (const args of steps.after) await command('systemctl', args)
  }
  const lines = [...(runs ? steps.before : []), ...steps.after].map(args => ['systemctl', ...args].join(' '))
  // A user's units end with the last session, unless they may linger.
  const linger = scope === 'user' && units.length > 0 ? ['loginctl enable-linger'] : []
  const left = [...(runs ? [] : lines), ...linger]
  return { kind: 'systemd', dryRun, changes: [...data.changes, ...changes], ran: runs ? lines : [], left }
}

interface DataFolder {
  readonly changes: readonly Change[]
  readonly make: () => Promise<void>
}

/** The folder that the jobs keep their files in: who runs them makes it, where it is another than who types this, or may make nothing at its place. */
async function dataFolderFor(io: Io, flags: InstallFlags, user: string): Promise<DataFolder> {
  const none = { changes: [], make: async () => {} }
  if (flags.remove || flags.root !== undefined || flags.user || !isRoot()) return none
  const config = settingsOf(io)
  if (config.dbConnection !== 'sqlite') return none
  const { lacksDataFolder, makeDataFolder } = await import('../../src/schedule/data-folder.js')
  if (!(await lacksDataFolder(config, user))) return none
  return { changes: [{ where: config.data, change: 'created' }], make: () => makeDataFolder(config.data, user) }
}

function asText(value: Installed, removes: boolean): string {
  const none = removes ? 'nothing of feedctl is installed' : 'nothing to change'
  const changes = value.changes.map(({ where, change }) => `${value.dryRun ? 'would be ' : ''}${change}: ${where}`)
  const ran = value.ran.map(line => `${value.dryRun ? 'would run' : 'ran'}: ${line}`)
  const left = value.left.map(line => `  ${line}`)
  return [...(changes.length === 0 ? [none] : changes), ...ran, ...(left.length === 0 ? [] : ['then type:', ...left])].join('\n')
}
