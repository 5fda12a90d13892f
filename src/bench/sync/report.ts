import { z } from 'zod'

const COUNT = z.number().int().nonnegative()

/** What the benchmark reads of the JSON that `feedctl sync` prints. */
const REPORT = z.object({
  tenants: z.object({ total: COUNT, ok: COUNT }),
  feeds: z.object({ total: COUNT, failed: COUNT }),
  sources: z.object({ distinct: COUNT, requests: COUNT }),
  posts: z.object({ new: COUNT, updated: COUNT }),
  failures: z.array(z.object({ message: z.string() })),
  duration_ms: z.number(),
})

export type PrintedReport = z.infer<typeof REPORT>

/** Null for anything else than the report of a sync. */
export function readReport(printed: string): PrintedReport | null {
  try {
    return REPORT.safeParse(JSON.parse(printed)).data ?? null
  } catch {
    return null
  }
}
