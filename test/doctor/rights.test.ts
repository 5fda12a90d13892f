import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judgeRights } from '../../src/doctor/checks/rights.js'
import { neededRights } from '../../src/tenants/rights.js'
import { Installation } from '../e2e/installation.js'
import { sharedMariadbEnv } from '../support/drivers.js'
import { limitedUser } from '../support/limited-user.js'
import { doctor } from './examined.js'

const env = sharedMariadbEnv()
const catalog = `\`${env.DB_DATABASE?.replaceAll('_', '\\_')}\`.*`
const tenants = `\`${env.FEEDCTL_DATABASE_PREFIX?.replaceAll('_', '\\_')}%\`.*`

describe("the rights of feedctl's own user (mysql)", () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await Installation.create(env)
    await installation.createTenant('acme', [])
  })
  afterAll(() => installation[Symbol.asyncDispose]())

  it('are ok for who may do everything', async () => {
    expect((await doctor(installation.env)).of('database.rights')).toMatchObject({ severity: 'ok' })
  })

  it('fail where one lacks, and the GRANT that is shown mends it', async () => {
    await using limited = await limitedUser(env, [
      `all privileges on ${catalog}`,
      `select, insert, update, delete, create, alter on ${tenants}`,
    ])
    const its = { ...installation.env, ...limited.env }
    const found = (await doctor(its)).of('database.rights')
    expect(found).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('lacks DROP on ') })
    expect(found?.fix).toContain(`'${limited.username}'@'%'`)
    await limited.run(found?.fix ?? '')
    expect((await doctor(its)).of('database.rights')).toMatchObject({ severity: 'ok' })
  })

  it('of database users are asked for only where there are some', async () => {
    await using limited = await limitedUser(env, [`all privileges on ${catalog}`, `all privileges on ${tenants}`])
    const its = { ...installation.env, ...limited.env }
    expect((await doctor(its)).of('database.rights')).toMatchObject({ severity: 'ok' })
    expect(await installation.run(['tenant', 'db-user', 'acme', '--create'])).toMatchObject({ exit: 0 })
    expect((await doctor(its)).of('database.rights')).toMatchObject({
      severity: 'fail',
      evidence: expect.stringMatching(/lacks CREATE USER on the server and SELECT with grant option on /),
    })
    expect(await installation.run(['tenant', 'db-user', 'acme', '--drop', '--yes'])).toMatchObject({ exit: 0 })
  })

  it('may come by a role, which is not told: that is a warning', () => {
    const needed = neededRights({ catalog: 'feedctl', prefix: 'tenant_' })
    const held = { account: "'feedctl'@'%'", rights: [], roles: true }
    expect(judgeRights([{ host: 'default', held, needed }])).toMatchObject({
      severity: 'warn',
      evidence: expect.stringContaining('by a role'),
    })
  })
})
