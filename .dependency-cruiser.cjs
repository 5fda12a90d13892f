'use strict'

/** Who may import whom, beside itself. A room that is not listed here is refused by the border test. */
const ROOMS = {
  kernel: [],
  cli: ['kernel'],
  'cli/screens': ['kernel', 'cli', 'watch', 'queues', 'tenants'],
  redis: ['kernel'],
  caches: ['kernel', 'redis'],
  queues: ['kernel', 'redis'],
  tenants: ['kernel'],
  feeds: ['kernel', 'tenants', 'drivers'],
  media: ['kernel', 'tenants', 'drivers'],
  analytics: ['kernel', 'tenants', 'drivers', 'redis'],
  schedule: ['kernel', 'tenants', 'drivers', 'queues'],
  watch: ['kernel', 'tenants', 'feeds', 'queues', 'app'],
  doctor: ['kernel', 'capabilities', 'watch', 'app'],
  bench: ['kernel', 'tenants', 'feeds', 'media', 'analytics', 'queues', 'redis', 'watch', 'api', 'app'],
  api: ['kernel', 'capabilities', 'watch', 'app'],
  infra: ['kernel', 'watch', 'schedule'],
}

/** The words of the table above that are not rooms. */
const PLACES = {
  drivers: '^src/(caches|queues|media/disks)/driver\\.ts$',
  capabilities: '^src/(redis|caches|queues|tenants|feeds|media|analytics)/',
  app: '^src/(app|jobs|parts)\\.ts$',
}

const DRIVER_FOLDERS = ['src/tenants/databases', 'src/caches', 'src/queues', 'src/media/disks']
/** A room within a driver folder that has an entrance of its own. */
const INNER_ENTRANCE = '^src/queues/supervisor/index\\.ts$'

/** Packages that only one corner of the house may know. */
const PACKAGES = {
  mysql2: { names: 'mysql2', owners: '^src/tenants/databases/' },
  libsql: { names: '@?libsql', owners: '^src/tenants/databases/' },
  'aws-sdk': { names: '@(aws-sdk|smithy)', owners: '^src/media/disks/' },
  bullmq: { names: 'bullmq', owners: '^src/queues/' },
  ioredis: { names: 'ioredis', owners: '^src/(redis|caches|queues)/' },
  fastify: { names: '@?fastify', owners: '^src/api/' },
  'prom-client': { names: 'prom-client', owners: '^src/(watch|api)/' },
  autocannon: { names: '(@types/)?autocannon', owners: '^src/bench/' },
  ink: { names: '(@types/)?(ink|react)', owners: '^src/cli/screens/' },
  'ml-levenberg-marquardt': { names: 'ml-levenberg-marquardt', owners: '^src/bench/model/' },
  undici: { names: 'undici', owners: '^src/((feeds|bench)/|cli/ping\\.ts$)' },
}

function roomRule([room, allowed]) {
  const places = allowed.map(word => PLACES[word] ?? `^src/${word}/`)
  return {
    name: `room-${room.replace('/', '-')}`,
    comment: `src/${room} imports, of ours, only ${['itself', ...allowed].join(', ')}`,
    severity: 'error',
    // A room within a room has a rule of its own.
    from: { path: `^src/${room}/`, ...(room === 'cli' ? { pathNot: '^src/cli/screens/' } : {}) },
    to: { path: '^(src|commands|test|bin)/', pathNot: [`^src/${room}/`, ...places] },
  }
}

function driverFolderRule(folder) {
  return {
    name: `entrance-${folder.replace(/^src\//, '').replace('/', '-')}`,
    comment: `${folder} is entered through its index.ts, and its promises are in driver.ts`,
    severity: 'error',
    from: { pathNot: `^${folder}/` },
    to: { path: `^${folder}/`, pathNot: [`^${folder}/(index|driver)\\.ts$`, INNER_ENTRANCE] },
  }
}

function packageRule([name, { names, owners }]) {
  return {
    name: `package-${name}`,
    comment: `${name} is known only to ${owners}`,
    severity: 'error',
    from: { pathNot: owners },
    to: { path: `(^|node_modules/)${names}(/|$)`, pathNot: '^(src|commands)/' },
  }
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(ROOMS).map(roomRule),
    {
      name: 'room-app',
      comment: 'app.ts and jobs.ts import every capability, but neither cli nor api nor what stands on them',
      severity: 'error',
      from: { path: PLACES.app },
      to: { path: '^(src|commands|test|bin)/', pathNot: ['^src/kernel/', PLACES.capabilities, PLACES.app] },
    },
    {
      name: 'room-commands',
      comment: 'commands import the house, never its tests',
      severity: 'error',
      from: { path: '^commands/' },
      to: { path: '^(test|bin)/' },
    },
    ...DRIVER_FOLDERS.map(driverFolderRule),
    ...Object.entries(PACKAGES).map(packageRule),
    { name: 'no-cycles', comment: 'types included', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-lost-imports', comment: 'an import that leads nowhere escapes every rule', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-development-packages',
      comment: 'an installed feedctl has only its dependencies',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
    tsConfig: { fileName: 'tsconfig.json' },
  },
}
