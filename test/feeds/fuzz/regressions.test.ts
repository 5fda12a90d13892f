import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultsOf } from './judge.js'
import { ParserProcess } from './parser-process.js'
import { REGRESSIONS } from './regressions.js'

const NOW = Date.UTC(2026, 5, 15, 12)

describe('what the fuzzer found', () => {
  let parser: ParserProcess
  beforeAll(() => {
    parser = new ParserProcess()
  })
  afterAll(() => parser[Symbol.asyncDispose]())

  it.each(
    REGRESSIONS.map(regression => [regression.name, regression] as const),
  )('stays mended: %s', async (_name, regression) => {
    const { document, contentType = null, outcome, has = {} } = regression
    const input = { body: Buffer.from(document, 'latin1'), contentType, url: 'https://feeds.example/dir/feed.xml', now: NOW }
    const observed = await parser.parse({ input, twice: true, deadlineMs: 20_000 })
    expect(faultsOf(input, observed)).toEqual([])
    const { seen } = observed
    if (outcome !== 'any')
      expect(seen.kind === 'failure' ? seen.code : seen.kind, JSON.stringify(seen).slice(0, 300)).toBe(outcome)
    for (const [path, value] of Object.entries(has)) expect(at(seen, `document.${path}`), path).toEqual(value)
  })
})

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((member, key) => (member as Record<string, unknown> | undefined)?.[key], value)
}
