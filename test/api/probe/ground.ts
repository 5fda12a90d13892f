import { afterAll, beforeAll, it } from 'vitest'
import { buildApi } from '../../../src/api/build.js'
import type { ProbeReport } from '../../../src/api/probe/probe.js'
import type { App } from '../../../src/app.js'
import { Installation } from '../../e2e/installation.js'
import type { TestEnv } from '../../support/drivers.js'

type Probed = Omit<ProbeReport, 'unremoved'> & { readonly left_before: number; readonly unremoved: string | null }

/** An installation to be probed. */
export class ProbeGround {
  private constructor(
    readonly installation: Installation,
    readonly app: App,
  ) {}

  /** For the tests of a block; `ground()` is there while they run. */
  static ofBlock(env: TestEnv, combination: string) {
    let ground: ProbeGround
    beforeAll(async () => {
      const installation = await Installation.create({ ...env, FEEDCTL_API_RATE: '0' })
      ground = new ProbeGround(installation, await installation.open())
    })
    afterAll(async () => {
      await ground.app[Symbol.asyncDispose]()
      await ground.installation[Symbol.asyncDispose]()
    })
    /** A fault is found by what is asked, wherever rows and keys are: once is enough. */
    const on = (...combinations: string[]) => (combinations.includes(combination) ? it : it.skip)
    return { ground: () => ground, on }
  }

  async probe(...flags: string[]) {
    const { exit, out, err } = await this.installation.run(['tenant', 'probe', '--json', ...flags])
    return { exit, err, report: (out === '' ? {} : JSON.parse(out)) as Probed }
  }

  /** What probes have left. */
  async leftovers(): Promise<unknown[]> {
    const { kysely } = this.app.catalog
    const tenants = await kysely.selectFrom('tenants').select('slug').where('slug', 'like', 'leak-probe-%').execute()
    const sources = await kysely.selectFrom('sources').select('url').where('url', 'like', '%leak-probe%').execute()
    const receipts = await kysely.selectFrom('receipts').select('slug').where('slug', 'like', 'leak-probe-%').execute()
    const jobs: number[] = []
    if (this.installation.onRedis) for await (const page of (await this.app.desk()).tenants()) jobs.push(...page)
    return [...tenants, ...sources, ...receipts, ...jobs]
  }
}

/** An API that `change` has broken. */
export async function served(app: App, change: (built: Awaited<ReturnType<typeof buildApi>>) => void) {
  const built = await buildApi(app)
  change(built)
  await built.server.listen({ host: '127.0.0.1', port: 0 })
  const address = built.server.server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await built.server.close()
      await built.close()
    },
  }
}
