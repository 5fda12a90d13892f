import { expect, it } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import { translateMysql, translateSqlite } from '../../../src/tenants/databases/faults.js'
import { isHostAway } from '../../../src/tenants/databases/index.js'

const mysqlError = (code: string) => Object.assign(new Error(code), { code })

it('a host is away where it does not answer, and not where one of its databases is damaged, or in use, or one connection lost', () => {
  for (const code of ['ECONNREFUSED', 'ETIMEDOUT', 'ER_SERVER_SHUTDOWN'])
    expect([code, isHostAway(translateMysql(mysqlError(code)))]).toEqual([code, true])
  for (const code of ['ER_DB_DROP_RMDIR', 'ER_TABLE_CORRUPT', 'ER_LOCK_WAIT_TIMEOUT', 'PROTOCOL_CONNECTION_LOST']) {
    const failure = translateMysql(mysqlError(code))
    expect([code, failure?.code, isHostAway(failure)]).toEqual([code, 'UNAVAILABLE', false])
  }
  const file = translateSqlite(mysqlError('SQLITE_CORRUPT'))
  expect([file?.code, isHostAway(file)]).toEqual(['UNAVAILABLE', false])
  expect(isHostAway(new Failure('UNAVAILABLE', 'the database host db2 is away'))).toBe(true)
  expect(isHostAway(new Failure('CONFIG_INVALID', 'no password'))).toBe(false)
})
