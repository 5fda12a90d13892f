/** What a page in the text format 0.0.4 says: samples as `name{label="value"}`, and the type of each name. */
export interface Page {
  readonly samples: Readonly<Record<string, number>>
  readonly types: Readonly<Record<string, string>>
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[0-9.e+-]+)$/

/** Reads it as strictly as Prometheus does. @throws {Error} for a line that is none, a sample without type or help, and one that is there twice */
export function parsePage(text: string): Page {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const samples: Record<string, number> = {}
  const types: Record<string, string> = {}
  const helps = new Set<string>()
  for (const line of text.split('\n').filter(one => one !== '')) {
    const [, kind, about, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (kind === 'HELP' && about !== undefined) helps.add(about)
    else if (kind === 'TYPE' && about !== undefined && rest !== undefined) types[about] = rest
    else {
      const [, name = '', labels, value] = SAMPLE.exec(line) ?? []
      const key = labels === undefined ? name : `${name}{${labels}}`
      if (value === undefined || !Number.isFinite(Number(value))) throw new Error(`no sample: ${line}`)
      if (types[name] === undefined || !helps.has(name)) throw new Error(`no type or help before: ${line}`)
      if (key in samples) throw new Error(`twice: ${line}`)
      samples[key] = Number(value)
    }
  }
  return { samples, types }
}
