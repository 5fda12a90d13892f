import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { holderIsGone, holderWords, newHolder, thisMachine, thisProcess } from '../../src/kernel/holder.js'
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
