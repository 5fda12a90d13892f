import { expect, it } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import { translateMysql, translateSqlite } from '../../../src/tenants/databases/faults.js'
import { isDamaged, isHostAway } from '../../../src/tenants/databases/index.js'

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

it('a database is damaged where its files are, and not where it could not be asked for a moment', () => {
  for (const code of ['ER_NOT_FORM_FILE', 'ER_TABLE_CORRUPT'])
    expect([code, isDamaged(translateMysql(mysqlError(code)))]).toEqual([code, true])
  expect(isDamaged(translateSqlite(mysqlError('SQLITE_NOTADB')))).toBe(true)
  for (const code of ['PROTOCOL_CONNECTION_LOST', 'ECONNREFUSED', 'ER_LOCK_WAIT_TIMEOUT', 'ER_DBACCESS_DENIED_ERROR'])
    expect([code, isDamaged(translateMysql(mysqlError(code)))]).toEqual([code, false])
  expect(isDamaged(translateSqlite(mysqlError('SQLITE_BUSY')))).toBe(false)
})
