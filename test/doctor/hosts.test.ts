import { describe } from 'vitest'
import { judgeAnswers, judgeBudgets, judgeRoom } from '../../src/doctor/checks/hosts.js'
import type { HostStanding } from '../../src/tenants/hosts/standing.js'
import { judges } from './judges.js'

const host = (name: string, own: Partial<HostStanding> = {}): HostStanding => ({
  name,
  address: 'a:1',
  username: null,
  weight: 100,
  maxTenants: null,
  maxConnections: null,
  readAddress: null,
  region: null,
  state: 'open',
  tenants: 0,
  databases: 0,
  leased: 0,
  processes: 0,
  answers: true,
  why: null,
  ...own,
})

describe('what is found of database hosts', () => {
  judges([
    [() => judgeAnswers([host('a'), host('b')]), 'ok', '2 database hosts, all answer'],
    [
      () => judgeAnswers([host('a'), host('b', { answers: false, why: 'gone', tenants: 7 })]),
      'fail',
      '7 tenants cannot be served: b (gone)',
    ],
    [() => judgeRoom([host('a'), host('b', { maxTenants: 5, tenants: 5 })]), 'ok', '1 host of 2 take'],
    [() => judgeRoom([host('a', { maxTenants: 5, tenants: 5 })]), 'fail', 'no database host takes new tenants'],
    [() => judgeRoom([host('a', { state: 'draining' })]), 'fail', 'no database host takes new tenants'],
    [() => judgeRoom([host('a', { maxTenants: 100, tenants: 90 })]), 'warn', 'a has 90 of 100 tenants'],
    [() => judgeRoom([host('a'), host('b', { state: 'draining', tenants: 3 })]), 'warn', 'draining, with tenants on it: b (3)'],
    [() => judgeRoom([host('a'), host('b', { state: 'draining' })]), 'ok', '1 host of 2'],
    [() => judgeBudgets([host('a')]), 'ok', 'no budgets'],
    [
      () => judgeBudgets([host('a', { maxConnections: 12, leased: 8, processes: 2 })]),
      'ok',
      'a: 8 of 12 connections, 2 processes',
    ],
    [() => judgeBudgets([host('a', { maxConnections: 2, leased: 2, processes: 2 })]), 'warn', 'a: 2 of 2 connections'],
  ])
})
