import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BIN, runNode } from '../support/bin.js'
import { temporaryFolder } from '../support/folders.js'

const run = promisify(execFile)
const ENV = { PATH: dirname(process.execPath) }

describe('the built demo', () => {
  test('prints commands that work as typed, also below a folder with an awkward name', { timeout: 180_000 }, async () => {
    const cwd = join(temporaryFolder(), "it's a # folder")
    mkdirSync(cwd)
    const { exit, out, err } = await runNode([BIN, 'demo', '--folder', 'my demo', '--json'], { cwd, env: ENV })
    expect(exit, out + err).toBe(0)
    const { next } = JSON.parse(out) as { next: string[] }
    const answers: string[] = []
    for (const line of next) answers.push((await run('/bin/sh', ['-c', line], { cwd, env: ENV })).stdout)
    expect(answers).toHaveLength(4)
    expect(answers[0]).toContain('atelier-nord')
    expect(answers[1]).toMatch(/posts +[1-9]/)
    expect(answers[2]).toContain('/feeds/')
    expect(answers[3]).toContain('<opml version="2.0">')
  })

  test('ends by SIGINT in the middle of a sync with exit 130, ends its feed server and lets the folder go', async () => {
    const cwd = temporaryFolder()
    let sent = false
    const { exit, out, err } = await runNode([BIN, 'demo', '--progress', 'json'], {
      cwd,
      env: ENV,
      onError: (text, kill) => {
        if (sent || !text.includes('"progress":"sync"')) return
        sent = true
        kill('SIGINT')
      },
    })
    expect(exit, out + err).toBe(130)
    expect(err).toContain('interrupted by SIGINT (INTERRUPTED)')
    expect(out).toContain('3  sync --all\n')
    expect(out).not.toContain('4  sync')
    expect(existsSync(join(cwd, 'feedctl-demo', 'running'))).toBe(false)
    const list = ['--env-file', 'feedctl-demo/.env', 'feed', 'list', 'atelier-nord', '--json']
    const { feeds } = JSON.parse((await runNode([BIN, ...list], { cwd, env: ENV })).out) as { feeds: { url: string }[] }
    await expect(fetch(feeds[0]?.url ?? '')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })
})
