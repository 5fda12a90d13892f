import type { RenderedMariadb } from '../../infra/mariadb-place.js'
import type { Site } from './site.js'

interface QueueJson {
  readonly name: string
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
}

interface FindingJson {
  readonly id: string
  readonly severity: string
  readonly evidence: string
}

/** What is not done: jobs, runs that nobody ended, tenants of runs that nobody told of. Empty when all is. */
export async function undone(site: Site): Promise<string[]> {
  const { out } = await site.run(['queue', 'status', '--json'])
  const { queues } = JSON.parse(out) as { queues: readonly QueueJson[] }
  const jobs = queues.flatMap(({ name, waiting, active, delayed, failed }) =>
    waiting + active + delayed + failed === 0
      ? []
      : [`${name}: ${waiting} wait, ${active} run, ${delayed} later, ${failed} failed`],
  )
  await using app = await site.open()
  const { kysely } = app.catalog
  const runs = await kysely.selectFrom('runs').select('id').where('finished_at', 'is', null).execute()
  const tenants = await kysely.selectFrom('run_tenants').select('run_id').where('finished_at', 'is', null).execute()
  return [...jobs, ...runs.map(({ id }) => `run ${id}`), ...tenants.map(({ run_id }) => `a tenant of run ${run_id}`)]
}

/** What the doctor finds about replicas. */
export async function replicasOf(site: Site): Promise<FindingJson | undefined> {
  const { out } = await site.run(['doctor', '--json'])
  return (JSON.parse(out) as { findings: FindingJson[] }).findings.find(({ id }) => id === 'database.replicas')
}

/** Posts by database, as the server itself has them. */
export async function postsBy(server: RenderedMariadb): Promise<Record<string, number>> {
  const tables = await server.ask("SELECT table_schema AS name FROM information_schema.tables WHERE table_name = 'posts'")
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const [row] = await server.ask(`SELECT COUNT(*) AS posts FROM \`${name}\`.posts`)
    counts[name] = Number(row?.posts)
  }
  return counts
}
