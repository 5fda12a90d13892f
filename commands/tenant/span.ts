import { Failure } from '../../src/kernel/errors.js'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `30m`, `12h`, `7d` in ms, as an option has it. @throws {Failure} USAGE */
export function parseSpan(option: string, text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined)
    throw new Failure('USAGE', `${option} ${JSON.stringify(text.slice(0, 60))} is no time such as 30m, 12h or 7d`, {
      hint: `${option} 7d`,
    })
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
}
