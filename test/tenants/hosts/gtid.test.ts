import { describe, expect, it } from 'vitest'
import { type GtidKind, hasExecuted } from '../../../src/tenants/hosts/gtid.js'

const A = '3E11FA47-71CA-11E1-9E33-C80AA9429562'
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562'

describe('whether a replica has executed what its primary had', () => {
  it.each<[kind: GtidKind, executed: string, wanted: string, has: boolean]>([
    ['mariadb', '0-1-100', '0-1-100', true],
    ['mariadb', '0-1-101', '0-1-100', true],
    ['mariadb', '0-1-99', '0-1-100', false],
    ['mariadb', '', '0-1-1', false],
    ['mariadb', '0-2-100', '0-1-100', true],
    ['mariadb', '0-1-100', '0-1-100,1-1-5', false],
    ['mariadb', '1-1-5,0-1-100', '0-1-100, 1-1-5', true],
    ['mariadb', '0-1-18446744073709551614', '0-1-18446744073709551615', false],
    ['mysql', `${A}:1-5`, `${A.toLowerCase()}:1-5`, true],
    ['mysql', `${A}:1-5`, `${A}:1-6`, false],
    ['mysql', `${A}:1-3:5-9`, `${A}:1-9`, false],
    ['mysql', `${A}:1-3:4-9`, `${A}:1-9`, true],
    ['mysql', `${A}:1-9`, `${A}:1-3:5`, true],
    ['mysql', `${A}:1-9`, `${A}:1-3,\n${B}:1`, false],
    ['mysql', `${A}:1-9,\n${B}:1-2`, `${A}:1-3,\n${B}:1`, true],
    ['mysql', `${A}:1-9:tag:1-4`, `${A}:tag:2-4`, true],
    ['mysql', `${A}:1-9:tag:1-4`, `${A}:tag:5`, false],
    ['mysql', `${A}:1-9:tag:1-4`, `${A}:other:1`, false],
    ['mysql', '', `${A}:1`, false],
  ])('%s: %j has executed %j: %j', (kind, executed, wanted, has) => {
    expect(hasExecuted(kind, executed, wanted)).toBe(has)
  })
})
