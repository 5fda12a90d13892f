/** How a server numbers transactions. */
export type GtidKind = 'mariadb' | 'mysql'

type Intervals = readonly (readonly [first: number, last: number])[]

/**
 * Whether a server that has executed the one has executed all of the other. MariaDB: `0-1-100,1-2-5`, the newest of each domain. MySQL: `uuid:1-5:7,uuid:tag:1-3`.
 * @see https://mariadb.com/kb/en/gtid/ https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html
 */
export function hasExecuted(kind: GtidKind, executed: string, wanted: string): boolean {
  return kind === 'mariadb' ? hasReached(executed, wanted) : contains(executed, wanted)
}

function hasReached(executed: string, wanted: string): boolean {
  const reached = newestOf(executed)
  return [...newestOf(wanted)].every(([domain, number]) => (reached.get(domain) ?? -1n) >= number)
}

function newestOf(position: string): Map<string, bigint> {
  const newest = new Map<string, bigint>()
  for (const gtid of partsOf(position, ',')) {
    const [domain = '', , number = '0'] = gtid.split('-')
    newest.set(domain, BigInt(number))
  }
  return newest
}

function contains(executed: string, wanted: string): boolean {
  const there = setsOf(executed)
  return [...setsOf(wanted)].every(([source, intervals]) => {
    const own = joined(there.get(source) ?? [])
    return intervals.every(([first, last]) => own.some(([from, to]) => from <= first && last <= to))
  })
}

function setsOf(set: string): Map<string, Intervals> {
  const sets = new Map<string, Intervals>()
  for (const one of partsOf(set, ',')) {
    const [uuid = '', ...parts] = partsOf(one.toLowerCase(), ':')
    let source = uuid
    for (const part of parts) {
      const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? []
      if (first === undefined) source = `${uuid}:${part}`
      else sets.set(source, [...(sets.get(source) ?? []), [Number(first), Number(last ?? first)]])
    }
  }
  return sets
}

/** In order, those that follow each other without a gap as one. */
function joined(intervals: Intervals): Intervals {
  const whole: [number, number][] = []
  for (const [first, last] of [...intervals].sort(([one], [other]) => one - other)) {
    const before = whole.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else whole.push([first, last])
  }
  return whole
}

function partsOf(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map(part => part.trim())
    .filter(part => part !== '')
}
