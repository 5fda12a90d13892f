import { accessSync, constants, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { locked, Refusal, readWhenThere, run, say } from './steps.js'

const MORE_FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', '/usr/local/mysql/bin', '/usr/libexec']
/** What the tests start: servers, each unless a setting names one that is there, a terminal, what feedctl is measured against, and what checks files for others. */
const PROGRAMS = [
  {
    package: 'mariadb-server',
    given: 'FEEDCTL_TEST_MYSQL_URL',
    programs: [
      ['mariadbd', 'mysqld'],
      ['mariadb-install-db', 'mysql_install_db'],
    ],
  },
  { package: 'redis-server', given: 'FEEDCTL_TEST_REDIS_URL', programs: [['redis-server']] },
  { package: 'tmux', given: null, programs: [['tmux']] },
  { package: 'radosgw', given: null, programs: [['radosgw']] },
  { package: 'ceph-mon', given: null, programs: [['ceph-mon']] },
  { package: 'ceph-osd', given: null, programs: [['ceph-osd']] },
  { package: 'ceph-common', given: null, programs: [['ceph'], ['radosgw-admin']] },
  { package: 'ceph-base', given: null, programs: [['monmaptool']] },
  { package: 'rclone', given: null, programs: [['rclone']] },
  { package: 'nginx-light', given: null, programs: [['nginx']] },
  { package: 'chromium', given: null, programs: [['chromium']] },
  { package: 'prometheus', given: null, programs: [['promtool']] },
  { package: 'shellcheck', given: null, programs: [['shellcheck']] },
]
const APT_FLAGS = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300']
const POLICY = '/usr/sbin/policy-rc.d'
const POLICY_ASIDE = '/usr/sbin/policy-rc.d.feedctl'
const POLICY_TEXT = '#!/bin/sh\n# feedctl: no service starts while the servers of its tests are installed\nexit 101\n'

/** Brings MariaDB, Redis, Ceph and the rest onto the machine, without starting them, when the tests need them and it may. */
export async function installServersWhenAbsent() {
  if (absentPackages().length === 0) return
  if (!hasProgram(['apt-get']) || process.getuid?.() !== 0) {
    const packages = absentPackages()
    throw new Refusal(`the tests need ${packages.join(' and ')}: apt-get install ${packages.join(' ')}`, 5)
  }
  await locked('apt', async () => {
    const packages = absentPackages()
    if (packages.length === 0) return
    say(`installing ${packages.join(' and ')} ...`)
    await withoutServiceStarts(() => install(packages))
    const still = absentPackages()
    if (still.length > 0)
      throw new Refusal(`apt-get installed ${packages.join(' ')}, but the programs of ${still.join(' ')} are not found`, 5)
  })
}

function absentPackages() {
  const isGiven = name => name !== null && Boolean(process.env[name])
  return PROGRAMS.filter(({ given, programs }) => !isGiven(given) && !programs.every(hasProgram)).map(one => one.package)
}

function hasProgram(names) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...MORE_FOLDERS]
  return names.some(name => folders.some(folder => isExecutable(join(folder, name))))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function install(packages) {
  const hadLists = hasPackageLists()
  if (!hadLists) await apt('update')
  try {
    await apt('install', ...APT_FLAGS, ...packages)
  } catch (error) {
    // Lists that were on the machine may name versions that the mirror no longer has.
    if (!hadLists || !(error instanceof Refusal) || error.exit > 128) throw error
    await apt('update')
    await apt('install', ...APT_FLAGS, ...packages)
  }
}

function hasPackageLists() {
  const folder = '/var/lib/apt/lists'
  return existsSync(folder) && readdirSync(folder).some(name => /_Packages(\.\w+)?$/.test(name))
}

function apt(deed, ...args) {
  return run(`apt-get ${deed}`, 'apt-get', ['-q', deed, ...args], { env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' } })
}

/** Debian starts a service when it is installed, unless policy-rc.d says no; the machine's own policy is put back afterwards. */
async function withoutServiceStarts(deed) {
  restorePolicy()
  if (existsSync(POLICY)) renameSync(POLICY, POLICY_ASIDE)
  try {
    writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 })
    await deed()
  } finally {
    restorePolicy()
  }
}

/** Also mends what a run that was killed left behind. */
function restorePolicy() {
  if (readWhenThere(POLICY) === POLICY_TEXT) rmSync(POLICY)
  if (existsSync(POLICY_ASIDE)) renameSync(POLICY_ASIDE, POLICY)
}
