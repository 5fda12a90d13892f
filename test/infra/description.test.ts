import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { asYaml, defaultDeployment, parseDeployment } from '../../src/infra/description/read.js'
import { renderFiles } from '../../src/infra/render.js'
import { loadConfig } from '../../src/kernel/config.js'
import { described } from './ground.js'

const refusal = (value: object): string => {
  try {
    described(value)
  } catch (error) {
    return String((error as Error).message).replace(/^test: /, '')
  }
  return 'taken'
}
const scale = (value: object) => ({ scale: value })
const host = (more: object) =>
  scale({ app: { hosts: [{ name: 'a', address: '10.0.0.1', roles: ['api', 'workers', 'scheduler'], ...more }] } })

describe('a description', () => {
  test('that is printed is the one that was read', () => {
    const value = {
      name: 'eu',
      settings: { FEEDCTL_API_RATE: 50 },
      ...scale({ database: { replica: { address: 'db2.internal' } } }),
    }
    const deployment = described(value)
    expect(parseDeployment(asYaml(deployment), 'again')).toEqual(deployment)
    expect(parseDeployment(JSON.stringify(deployment), 'again')).toEqual(deployment)
    expect(deployment.scale.database.replica).toMatchObject({ address: 'db2.internal', port: 3306 })
    expect(parseDeployment('', 'empty')).toEqual(defaultDeployment())
  })

  test.each([
    ['a space', scale({ install: { bin: '/opt/feed ctl/bin' } }), 'scale.install.bin is not an absolute path'],
    ['a quote', scale({ install: { config: "/etc/'x" } }), 'scale.install.config is not an absolute path'],
    ['a line end', scale({ install: { data: '/var/lib/x\nUser=root' } }), 'scale.install.data is not an absolute path'],
    ['a variable', scale({ balancer: { cache: '/var/$HOME' } }), 'scale.balancer.cache is not an absolute path'],
    ['a specifier', scale({ install: { data: '/var/%h' } }), 'scale.install.data is not an absolute path'],
    ['a way out', scale({ redis: { data: '/var/../etc' } }), 'scale.redis.data is not a plain absolute path'],
    ['a relative path', scale({ redis: { data: 'data' } }), 'scale.redis.data is not an absolute path'],
    ['a directive', { names: { api: 'a; return 200' } }, 'names.api is not the name of a host'],
    ['a command', scale({ database: { address: '$(id)' } }), 'scale.database.address is not a host name or IP address'],
    ['a name for an address', scale({ balancer: { address: 'balancer' } }), 'scale.balancer.address is not an IP address'],
    ['a user', scale({ install: { user: 'a b' } }), 'scale.install.user is not the name of a user'],
    ['SQL', { database: { catalog: "x' OR 1" } }, 'database.catalog is not 1 to 48 letters'],
    ['a remote', scale({ backup: { offsite: 'x:$(id)' } }), 'scale.backup.offsite is not remote:path'],
    ['no port', scale({ redis: { port: 70_000 } }), 'scale.redis.port is above 65535'],
    ['a part of a number', scale({ redis: { port: 1.5 } }), 'scale.redis.port is not a whole number'],
    ['text for a number', scale({ redis: { port: '6379' } }), 'scale.redis.port is not a number'],
    ['a list for a map', { scale: [] }, 'scale is not a map of keys'],
    ['an unknown key', scale({ redis: { prot: 1 } }), 'scale.redis.prot is not a key of it'],
    ['an unknown role', host({ roles: ['db'] }), 'scale.app.hosts.0.roles.0 is not one of api, workers, scheduler'],
    ['a role that nobody has', host({ roles: ['api', 'workers'] }), 'scale.app.hosts has no host with the role scheduler'],
    ['the name of another machine', host({ name: 'redis' }), 'scale.app.hosts has redis, which is the name of another machine'],
    ['a place that is taken', host({ metrics_port: 8080 }), 'scale.app.hosts has 10.0.0.1:8080 twice'],
    ['a secret', { settings: { DB_PASSWORD: 'x' } }, 'settings.DB_PASSWORD is a secret, which no rendered file holds'],
    ['the file of a secret', { settings: { REDIS_URL_FILE: '/x' } }, 'settings.REDIS_URL_FILE is a secret'],
    [
      'an unknown setting',
      { settings: { FEEDCTL_API_RAT: 1 } },
      'settings.FEEDCTL_API_RAT is not a setting, did you mean FEEDCTL_API_RATE?',
    ],
    ['a wrong setting', { settings: { FEEDCTL_API_RATE: 'x' } }, 'settings.FEEDCTL_API_RATE is not a whole number'],
    ['a setting of two lines', { settings: { FEEDCTL_USER_AGENT: 'a\nB=1' } }, 'settings.FEEDCTL_USER_AGENT has a letter'],
    ['a setting with its own key', { settings: { DB_HOST: 'x' } }, 'settings.DB_HOST is given by other keys'],
    ['a secret that is none', { secrets: ['DB_HOST'] }, 'secrets has "DB_HOST", which is no secret setting'],
    [
      'a backup at half past two',
      scale({ backup: { at: '02:30' } }),
      'scale.backup.at is within two hours before FEEDCTL_PRUNE_AT',
    ],
    [
      'a backup late at night',
      { settings: { FEEDCTL_PRUNE_AT: '15 */6 * * *' }, ...scale({ backup: { at: '22:30' } }) },
      'scale.backup.at is within two hours before FEEDCTL_PRUNE_AT',
    ],
    [
      'plain HTTP for everybody',
      scale({ balancer: { tls: null } }),
      'scale.balancer.tls is null, but nobody is in scale.balancer.front',
    ],
    [
      'a rate below that of a tenant',
      scale({ balancer: { client_rate: 100 } }),
      'scale.balancer.client_rate is below FEEDCTL_API_RATE (200)',
    ],
    ['media without a bucket', { media: null }, 'names.media is set, but media is null'],
  ])('with %s is refused with the place', (_what, value, words) => {
    expect(refusal(value)).toContain(words)
  })

  test('with several mistakes is refused with all of them', () => {
    expect(refusal({ name: 'A', scale: { redis: { port: 0 } } })).toMatch(/^name is not .*; scale\.redis\.port is below 1$/)
  })

  test.each(['a: [', 'a: 1\na: 2', '- 1', '"text"', '&a [*a, *a]'])('that is no map of YAML is refused: %s', text => {
    expect(() => parseDeployment(text, 'd.yaml')).toThrow(/^d\.yaml(:| is not YAML)/)
  })
})

describe('what is rendered', () => {
  const deployment = described({ secrets: ['FEEDCTL_ALERT_WEBHOOK'], settings: { FEEDCTL_PRUNE_AT: '0 4 * * *' } })

  test('is the same bytes each time', () => {
    expect(renderFiles('scale', deployment)).toEqual(renderFiles('scale', described(JSON.parse(JSON.stringify(deployment)))))
  })

  test('has settings that feedctl knows, and no secret', () => {
    const files = renderFiles('scale', deployment).filter(({ path }) => path.endsWith('feedctl.env'))
    expect(files).toHaveLength(3)
    for (const { text } of files) {
      const env = parseEnv(text)
      const secrets = Object.keys(env).filter(name => name.endsWith('_FILE'))
      expect(secrets.sort()).toEqual([
        'DB_PASSWORD_FILE',
        'FEEDCTL_ALERT_WEBHOOK_FILE',
        'FEEDCTL_MEDIA_KEY_FILE',
        'REDIS_PASSWORD_FILE',
        'WASABI_SECRET_ACCESS_KEY_FILE',
      ])
      const plain = Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.includes(name)))
      const { config, sources } = loadConfig({ env: plain, envFile: '/nonexistent', envFileNamed: false })
      expect(Object.values(sources).filter(source => source === 'environment')).toHaveLength(Object.keys(plain).length)
      expect(config).toMatchObject({ queueConnection: 'redis', pruneAt: '0 4 * * *', trustedProxies: ['10.0.0.10', '10.0.0.40'] })
    }
  })
})
