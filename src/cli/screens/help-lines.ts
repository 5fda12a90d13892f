const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['1 to 5', 'go to a view; Tab and → to the next, Shift-Tab and ← to the one before'],
  ['↑ ↓', 'select a row'],
  ['p', 'pause the selected queue, or resume it: jobs under way go on'],
  ['r', 'retry the failed jobs of the selected queue or tenant, after a yes'],
  ['q', 'leave, as Ctrl-C does'],
]

const WORDS: readonly (readonly [title: string, what: string])[] = [
  ['PER S', 'jobs done per second over the last minute'],
  ['TREND', 'PER S of the newest readings, the newest at the right'],
  ['OLDEST', 'how long the job that waits longest has waited'],
  ['BUSY', 'jobs under way, of those it may run at once'],
  ['IN A ROW', 'syncs of the tenant that failed as a whole, one after the other'],
  ['FEEDS', "feeds that failed in the tenant's newest sync"],
  ['CEILING', 'most workers that the budgets of memory and connections allow now'],
  ['silent', 'a worker that has said nothing for 5 seconds'],
]

/** The keys, and the words that do not explain themselves. */
export function helpLines(): string[] {
  const lines = (pairs: typeof KEYS) => pairs.map(([name, what]) => `  ${name.padEnd(10)}${what}`)
  return [...lines(KEYS), '', ...lines(WORDS)]
}
