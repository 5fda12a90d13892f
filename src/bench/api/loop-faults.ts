import type { Tally } from './expectations.js'

/** Why what was asked was not answered as it should be; nothing when it was. */
export function faultsOf({ answers, wrong, lost, complaints }: Tally): string[] {
  if (answers === 0) return ['nothing was answered', ...complaints]
  return wrong + lost === 0 ? [] : complaints.map(complaint => `${complaint} (${wrong} wrong, ${lost} lost of ${answers})`)
}
