import type { Tally } from './expectations.js'

/** What this system refuses to the generator: ports, or files. */
const OF_GENERATOR = /\b(EADDRNOTAVAIL|EMFILE|ENFILE)\b/

/** Why what was asked was not answered as it should be; nothing when it was. */
export function faultsOf({ answers, wrong, lost, complaints }: Tally): string[] {
  if (answers === 0) return ['nothing was answered', ...complaints]
  return wrong + lost === 0 ? [] : complaints.map(complaint => `${complaint} (${wrong} wrong, ${lost} lost of ${answers})`)
}

/** Whether a connection was lost, or not opened, for want of something on this side: the server has no part in it. */
export function isOfGenerator(complaint: string): boolean {
  return OF_GENERATOR.test(complaint)
}
