import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judgeIntake } from '../../src/doctor/checks/media-intake.js'
import type { LinkFacts } from '../../src/doctor/link-facts.js'
import { Installation } from '../e2e/installation.js'
import { doctor } from './examined.js'
import { judges } from './judges.js'

const HOUR = 3_600_000
const NOW = 1e12
const of = (links: Partial<LinkFacts>, fault: string | null = null) =>
  judgeIntake(
    { tenants: 1, more: false, links: { waitingSince: null, stored: 90, failed: 0, failure: null, ...links } },
    fault,
    NOW,
  )

describe('what is found of the media that sync stores', () => {
  judges([
    [() => of({}), 'ok', '90 links to media stored, 0 failed'],
    [() => of({ failed: 10, failure: 'FEED_GONE' }), 'ok', '10 failed'],
    [() => of({ failed: 40, failure: 'FEED_TIMEOUT' }), 'warn', '40 links to media failed, most with FEED_TIMEOUT; 90 stored'],
    [() => of({ waitingSince: NOW - 23 * HOUR }), 'ok', 'stored'],
    [() => of({ waitingSince: NOW - 25 * HOUR }), 'warn', 'has waited for'],
    [() => of({}, '/data/media is no folder'), 'fail', 'media cannot be stored: /data/media is no folder'],
    [() => judgeIntake(null, null, NOW), 'ok', 'no media yet'],
  ])

  test('is looked at where there is no bucket too', async () => {
    await using installation = await Installation.create({})
    expect((await doctor(installation.env)).of('media.intake')).toMatchObject({ severity: 'ok', evidence: 'no media yet' })
    const folder = join(installation.env.FEEDCTL_DATA ?? '', 'media')
    writeFileSync(folder, 'in the way')
    expect((await doctor(installation.env)).of('media.intake')).toMatchObject({
      severity: 'fail',
      evidence: `media cannot be stored: ${folder} is no folder`,
    })
    rmSync(folder)
  })
})
