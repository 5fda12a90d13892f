import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks.js'
import { sectionOf, tableRows } from '../borders/docs.js'

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/doctor.md', import.meta.url)), 'utf8')
const ROWS = tableRows(sectionOf(PAGE, 'The checks'))

describe('docs/doctor.md', () => {
  it('has every check, in the order of the findings, and no other', () => {
    expect(ROWS.map(([id]) => id)).toEqual(CHECKS.map(({ id }) => `\`${id}\``))
  })

  it('says of each what it looks at, when it warns or fails, and what mends it', () => {
    for (const [id, looks, warns, fails, mends, ...more] of ROWS) {
      expect([id, more]).toEqual([id, []])
      expect([id, looks, mends]).toEqual([id, expect.stringMatching(/\S/), expect.stringMatching(/\S/)])
      expect(`${warns}${fails}`, id).toMatch(/\S/)
    }
  })

  it('marks what --fix mends, as the checks do', () => {
    const marked = ROWS.filter(([, , , , mends = '']) => mends.includes('(fix)')).map(([id]) => id)
    expect(marked).toEqual(CHECKS.filter(({ mend }) => mend !== undefined).map(({ id }) => `\`${id}\``))
  })

  it('names those that fail when they cannot look', () => {
    const [, line = ''] = /^(.*) fail when they cannot look; the others warn\.$/m.exec(PAGE) ?? []
    const named = [...line.matchAll(/`([^`]+)`/g)].map(match => match[1])
    expect(named).toEqual(CHECKS.filter(({ blind }) => blind === 'fail').map(({ id }) => id))
  })
})
