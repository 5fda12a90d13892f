import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { MetricsJson } from '../../../src/api/metrics.js'
import { MetricsSum } from '../../../src/api/workers/metrics-sum.js'

/** What a process tells that has counted so much. */
async function told(count: number): Promise<MetricsJson> {
  const registers = [new Registry()]
  new Counter({ name: 'asked', help: 'a', labelNames: ['status'], registers }).inc({ status: '200' }, count)
  new Gauge({ name: 'open', help: 'o', registers }).set(count)
  new Gauge({ name: 'late', help: 'l', aggregator: 'max', registers }).set(count)
  const seconds = new Histogram({ name: 'took', help: 't', buckets: [1, 5], registers })
  for (let each = 0; each < count; each++) seconds.observe(2)
  return JSON.parse(JSON.stringify(await registers[0]?.getMetricsAsJSON())) as MetricsJson
}

const lines = ({ text }: { text: string }): string[] => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))

test('what processes count is one figure; of those that have gone, what only grows stays in it', async () => {
  const sum = new MetricsSum()
  sum.keep(await told(10))
  sum.keep(await told(100))
  sum.keep([])
  expect(lines(await sum.page([await told(1), await told(2)])).sort()).toEqual([
    'asked{status="200"} 113',
    'late 2',
    'open 3',
    'took_bucket{le="+Inf"} 113',
    'took_bucket{le="1"} 0',
    'took_bucket{le="5"} 113',
    'took_count 113',
    'took_sum 226',
  ])
  expect((await sum.page([])).type).toBe('text/plain; version=0.0.4; charset=utf-8')
})

test('what ends at the same time is counted once each, whatever is asked for meanwhile', async () => {
  const sum = new MetricsSum()
  const one = await told(1)
  const asked = lines({ text: '' })
  for (let times = 0; times < 30; times++) {
    sum.keep(one)
    if (times % 7 === 0) asked.push(...lines(await sum.page([])).filter(line => line.startsWith('asked')))
  }
  expect(asked).toEqual([1, 8, 15, 22, 29].map(count => `asked{status="200"} ${count}`))
  const counted = await sum.counted([one, one])
  expect(counted.map(({ name, values }) => [name, values[0]?.value])).toEqual([
    ['asked', 32],
    ['took', 0],
  ])
})

test('a page has a name, a help and a type once for each figure', async () => {
  const sum = new MetricsSum()
  sum.keep(await told(10))
  const { text } = await sum.page([await told(1), await told(2)])
  expect(text.match(/^# TYPE \w+ \w+$/gm)).toEqual([
    '# TYPE asked counter',
    '# TYPE open gauge',
    '# TYPE late gauge',
    '# TYPE took histogram',
  ])
})
