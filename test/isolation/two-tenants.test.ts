import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { beginIntake } from '../../src/media/intake/begin.js'
import { mediaPolicyOf } from '../../src/media/policy.js'
import { removeTenantMedia } from '../../src/media/remove-tenant.js'
import { markDeleted, removeTenant } from '../../src/tenants/removal.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { IntakeGround } from '../media/intake/intake-ground.js'
import { png } from '../media/intake/pictures.js'
import type { TestEnv } from '../support/drivers.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { describeDatabases, removing, tenantIn } from '../tenants/installation.js'
import { type Deed, drawing } from './deeds.js'
import { EVENT_DEEDS } from './event-deeds.js'
import { FEED_DEEDS } from './feed-deeds.js'
import { bucketOf, MEDIA_DEEDS } from './media-deeds.js'
import { readSource } from './query-sites.js'
import { recordSites } from './recorder.js'
import { plain, rowsOf, type Side } from './side.js'

const DEEDS: Readonly<Record<string, Deed>> = { ...FEED_DEEDS, ...EVENT_DEEDS, ...MEDIA_DEEDS }
const NAMES = Object.keys(DEEDS)
const STEPS = 30
/** Each step is done to three tenants, by real servers. */
const PATIENCE_MS = 900_000
/** `ISOLATION_SEED` tries another order, or does again what one did. */
const SEEDS = process.env.ISOLATION_SEED === undefined ? [11, 12] : [Number(process.env.ISOLATION_SEED)]

/** Places whose queries these tests do not run, and why that may be. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'src/api/ready.ts': 'asks whether the database answers, and shows nothing of what it finds',
  'src/api/probe/canaries.ts': 'is of the temporary tenants that the probe makes for itself, and looks for each other',
  'src/tenants/end-claim.ts': 'takes a tenant that has no rows yet, and whose making has failed, out of the residents',
  'src/tenants/transfer/clear.ts': 'clears what an import left of a tenant that nobody has seen yet',
  'src/tenants/transfer/import.ts': 'writes a tenant that nobody has seen yet',
  'src/bench/': 'is of the tenants that a measurement makes for itself',
}

/** After these there is something in every table. */
const FURNISHING = ['store what was deleted', 'store a document', 'store what its posts name', 'count events, some of them twice']

const ran = recordSites()
let s3: S3Server
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3[Symbol.asyncDispose]())

/** Two tenants in one shared placement, and one alone to whom the same is done as to the first. */
class Three {
  private constructor(
    readonly mine: Side,
    readonly theirs: Side,
    readonly alone: Side,
  ) {}

  static async open(env: TestEnv, name: string): Promise<Three> {
    const settings = { ...env, ...s3.env, FEEDCTL_MEDIA_PREFIX: `p${randomBytes(6).toString('hex')}`, FILESYSTEM_DISK: 'local' }
    const ground = await IntakeGround.open(settings)
    ground.served.set('/own.png', png(80))
    for (const number of [0, 1, 2]) ground.served.set(`/p${number}.png`, png(60 + number))
    const side = async (slug: string, mark: string, placement: 'shared' | 'dedicated'): Promise<Side> => {
      const tenant = await tenantIn(ground.here, `${name}-${slug}`, placement)
      return { ground, tenant, mark }
    }
    // The neighbour's number is one more than that of one, and less than that of the other.
    return new Three(await side('one', 'a', 'shared'), await side('two', 'b', 'shared'), await side('alone', 'a', 'dedicated'))
  }

  /** The same to both that are one, and nothing by it to the other. */
  async step(deed: Deed, seed: number, hints: string): Promise<void> {
    const before = await rowsOf(this.theirs)
    const answers: unknown[] = []
    for (const side of [this.mine, this.alone]) answers.push(plain(await deed(side, drawing(seed)), side.tenant.slug))
    expect(answers[0], `${hints}: the answer`).toEqual(answers[1])
    expect(await rowsOf(this.mine), `${hints}: the rows`).toEqual(await rowsOf(this.alone))
    expect(await rowsOf(this.theirs), `${hints}: the neighbour`).toEqual(before)
  }

  async neighbourStep(deed: Deed, seed: number, hints: string): Promise<void> {
    const before = await rowsOf(this.mine)
    await deed(this.theirs, drawing(seed))
    expect(await rowsOf(this.mine), `${hints}: by the neighbour`).toEqual(before)
  }

  /** Everything that can be done, to one after the other. */
  async walk(seed: number): Promise<void> {
    for (const [place, name] of NAMES.entries()) {
      const deed = DEEDS[name] as Deed
      await this.neighbourStep(deed, seed + place + 500, `${name}, seed ${seed}`)
      await this.step(deed, seed + place, `${name}, seed ${seed}`)
    }
  }
}

async function remove(side: Side): Promise<void> {
  const { ground, tenant } = side
  const { catalog } = ground.here
  await markDeleted(catalog, tenant.slug, 1)
  const disks = async () => ({ ...ground.parts.disks, wasabi: bucketOf(side) })
  const { signal } = new AbortController()
  await removeTenant(
    catalog,
    tenant.slug,
    removing(going => removeTenantMedia({ catalog, disks }, going, signal)),
  )
}

describeDatabases('two tenants in one placement', env => {
  it.each(SEEDS)('are as if each were alone, whatever is done to them in whatever order (seed %i)', {
    timeout: PATIENCE_MS,
  }, async seed => {
    const three = await Three.open(env, `order-${seed}`)
    for (const { ground, tenant } of [three.mine, three.theirs, three.alone])
      await beginIntake(ground.here.catalog, tenant, mediaPolicyOf(ground.parts.settings, tenant))
    const draw = drawing(seed)
    for (let step = 0; step < STEPS; step++) {
      const name = NAMES[draw(NAMES.length)] as string
      const isNeighbours = draw(2) === 0
      const hints = `ISOLATION_SEED=${seed} step ${step}: ${name}`
      const deed = DEEDS[name] as Deed
      await (isNeighbours ? three.neighbourStep(deed, draw(10_000), hints) : three.step(deed, draw(10_000), hints))
    }
  })

  it('are as if each were alone through everything that can be done to a tenant, to its removal', {
    timeout: PATIENCE_MS,
  }, async () => {
    const three = await Three.open(env, 'walk')
    for (const { ground, tenant } of [three.mine, three.theirs, three.alone])
      await beginIntake(ground.here.catalog, tenant, mediaPolicyOf(ground.parts.settings, tenant))
    await three.walk(1_000)
    // Something of everything is there when the one goes.
    for (const name of FURNISHING)
      for (let seed = 1; seed <= 8; seed++)
        for (const side of [three.mine, three.theirs]) await (DEEDS[name] as Deed)(side, drawing(seed * 999_983))
    const [theirs, mine] = [await rowsOf(three.theirs), three.mine]
    expect(Object.entries(theirs).filter(([, rows]) => rows.length === 0)).toEqual([])
    await remove(mine)
    expect(await rowsOf(three.theirs)).toEqual(theirs)
    expect(Object.values(await rowsOf(mine)).flat()).toEqual([])
    // What has the name, and not the number, of the one that is gone.
    const again: Tenant = await tenantIn(mine.ground.here, mine.tenant.slug, 'shared')
    const rows = Object.entries(await rowsOf({ ...mine, tenant: again })).filter(([table]) => table !== 'residents')
    expect(rows.flatMap(([, all]) => all)).toEqual([])
  })
})

describe('the queries on tenants’ rows', () => {
  const { sites, misnamed } = readSource()

  it('are all found: handles have the names by which they are', () => {
    expect(misnamed).toEqual([])
    expect(sites.length).toBeGreaterThan(150)
  })

  it('are all run by the tests above, or left out for a reason', () => {
    const isLeftOut = (site: string) => Object.keys(LEFT_OUT).some(place => site.startsWith(place))
    expect(sites.filter(site => !ran.has(site) && !isLeftOut(site))).toEqual([])
    // Nothing is left out that is not there any more.
    for (const place of Object.keys(LEFT_OUT)) expect(sites.some(site => site.startsWith(place))).toBe(true)
  })
})
