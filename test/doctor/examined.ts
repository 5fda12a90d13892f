import { type CliResult, runCli } from '../support/cli.js'
import type { TestEnv } from '../support/drivers.js'

export interface FindingJson {
  readonly id: string
  readonly severity: 'ok' | 'warn' | 'fail'
  readonly evidence: string
  readonly fix: string | null
  readonly since: string
}

export interface Examined extends CliResult {
  readonly findings: readonly FindingJson[]
  readonly mended: readonly string[] | undefined
  /** The finding of a check; null where it is absent. */
  of(id: string): FindingJson | null
}

/** `feedctl doctor --json` in this process. */
export async function doctor(env: TestEnv, ...flags: string[]): Promise<Examined> {
  const end = await runCli(['doctor', '--json', ...flags], { env })
  const { findings, mended } = JSON.parse(end.out) as Pick<Examined, 'findings' | 'mended'>
  return { ...end, findings, mended, of: id => findings.find(finding => finding.id === id) ?? null }
}
