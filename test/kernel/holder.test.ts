import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { holderIsGone, holderWords, newHolder, processCountOf, thisMachine, thisProcess } from '../../src/kernel/holder.js'
import { nearest } from '../../src/kernel/nearest.js'

const HOST = thisMachine()

describe('a holder', () => {
  it('names its process in words, fits its column and is told from every other', () => {
    expect(holderWords(newHolder())).toBe(`pid ${process.pid} on ${HOST.replace(/\+\d+$/, '')}`)
    expect(thisProcess()).toBe(thisProcess())
    expect(new Set([newHolder(), newHolder(), thisProcess()]).size).toBe(3)
    expect(newHolder().length).toBeLessThanOrEqual(120)
    expect(holderWords('fe80::1:77:token')).toBe('pid 77 on fe80::1')
  })

  it('is gone when its process of this machine is', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    expect(holderIsGone(`${HOST}:${child.pid}:token`)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(holderIsGone(`${HOST}:${child.pid}:token`)).toBe(true)
  })

  it.runIf(existsSync('/proc/self/ns/pid'))(
    'is of another machine where that booted apart, or counts its processes apart',
    () => {
      const [boot, space] = [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), readlinkSync('/proc/self/ns/pid')]
      const here = processCountOf(boot, space)
      expect(HOST.endsWith(here)).toBe(true)
      const others = [processCountOf('8811682c-4712-406c-85d6-55f290e99310', space), processCountOf(boot, 'pid:[1]')]
      expect(new Set([here, ...others]).size).toBe(3)
      for (const other of others) {
        const holder = `${HOST.slice(0, -here.length)}${other}:${2 ** 22 + 1}:token`
        expect([holderIsGone(holder), holderWords(holder)]).toEqual([
          false,
          `pid ${2 ** 22 + 1} on ${HOST.slice(0, -here.length)}`,
        ])
      }
    },
  )

  it('is not known to be gone on another machine, nor in this very process', () => {
    expect(holderIsGone('elsewhere.example:999999999:token')).toBe(false)
    expect(holderIsGone(`${HOST}:${process.pid}:other`)).toBe(false)
  })
})

describe('the nearest word', () => {
  it.each([
    ['tennant', ['init', 'tenant', 'feed'], 'tenant'],
    ['feeed', ['seed', 'feed'], 'feed'],
    ['sync', ['sync'], 'sync'],
    ['zzz', ['init', 'tenant'], null],
    ['a', ['b'], null],
    ['', ['init'], null],
    ['x', [], null],
  ])('to %j among %j is %j', (word, candidates, near) => {
    expect(nearest(word, candidates)).toBe(near)
  })
})
