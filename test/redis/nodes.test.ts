import { describe, expect, it } from 'vitest'
import { connectionWords } from '../../src/kernel/connection-words.js'
import { addressWords, clusterNodes } from '../../src/redis/cluster-nodes.js'

const read = (...redisClusterNodes: string[]) => clusterNodes({ redisClusterNodes })

describe('the nodes of a cluster', () => {
  it('are read from host:port, IPv6 in brackets', () => {
    const names = ['10.0.0.1:7000', 'redis-1.example.com:6379', '[::1]:7001']
    const nodes = read(...names)
    expect(nodes).toEqual([
      { host: '10.0.0.1', port: 7000 },
      { host: 'redis-1.example.com', port: 6379 },
      { host: '::1', port: 7001 },
    ])
    expect(nodes.map(addressWords)).toEqual(names)
    expect(read()).toEqual([])
  })

  it.each([
    '10.0.0.1',
    '10.0.0.1:',
    ':7000',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    'a b:1',
    '::1:7000',
    'redis://a:1',
    '10.0.0.1:7000x',
  ])('are refused when one is %s, by its name', text => {
    expect(() => read('ok:1', text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: `REDIS_CLUSTER_NODES: "${text}" is not host:port` }),
    )
  })

  it('are refused without the password that one was given', () => {
    expect(() => read('user:hunter2@10.0.0.1:7000')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: 'REDIS_CLUSTER_NODES: "***@10.0.0.1:7000" is not host:port' }),
    )
  })
})

describe('the words of a connection', () => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:7000')
  const gaveUp = (lastNodeError: Error) => Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError })

  it.each<[what: string, told: [event: string, error: Error, node?: string][], failed: Error, words: string]>([
    ['its own, when it says why', [['error', refused]], new Error('READONLY You cannot write'), 'READONLY You cannot write'],
    [
      'the reason before, when it gave up',
      [['error', refused]],
      new Error('Reached the max retries per request limit'),
      refused.message,
    ],
    ['its own, when it gave up and never said why', [], new Error('Command timed out'), 'Command timed out'],
    [
      'of the node',
      [['node error', refused, 'a:1']],
      new Error('None of startup nodes is available'),
      `${refused.message} (a:1)`,
    ],
    [
      'of the newest node',
      [
        ['node error', refused, 'a:1'],
        ['node error', new Error('NOAUTH'), 'b:2'],
      ],
      gaveUp(refused),
      'NOAUTH (b:2)',
    ],
    [
      'a silent node by name',
      [['node error', new Error('Connection is closed.'), 'a:1']],
      new Error('Command timed out'),
      'a:1 does not answer',
    ],
    ['what a silent cluster said last', [], gaveUp(new Error('LOADING')), 'LOADING'],
    [
      'of the node, though the cluster says nothing after it',
      [
        ['node error', refused, 'a:1'],
        ['error', gaveUp(new Error('Connection is closed.'))],
      ],
      new Error('Command timed out'),
      `${refused.message} (a:1)`,
    ],
    ['of a cluster that is down', [], new Error('CLUSTERDOWN The cluster is down'), 'CLUSTERDOWN The cluster is down'],
  ])('are %s', (_what, told, failed, words) => {
    const listeners = new Map<string, (error: Error, node?: string) => void>()
    const why = connectionWords({ on: (event, listener) => listeners.set(event, listener) })
    for (const [event, ...args] of told) listeners.get(event)?.(...args)
    expect(why(failed)).toBe(words)
  })
})
