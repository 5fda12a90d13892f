/** Text of HCL: everything in it is of a description whose values have no quote, no `${` and no line end. */
export type Value = string | number | boolean | Raw | readonly Value[] | { readonly [key: string]: Value }

/** An expression as it stands: a reference, a call. */
export interface Raw {
  readonly raw: string
}

export const raw = (text: string): Raw => ({ raw: text })

/** A block: its words, what it sets, and the blocks in it. */
export interface Block {
  readonly words: readonly string[]
  readonly set?: { readonly [key: string]: Value }
  readonly blocks?: readonly Block[]
}

/** As `terraform fmt` writes it. */
export function hcl(blocks: readonly Block[]): string {
  return `${blocks.map(block => lines(block, 0).join('\n')).join('\n\n')}\n`
}

function lines({ words, set = {}, blocks = [] }: Block, depth: number): string[] {
  const indent = '  '.repeat(depth)
  const [type = '', ...labels] = words
  const head = [type, ...labels.map(label => JSON.stringify(label))].join(' ')
  const inner = blocks.flatMap((block, index) => [
    ...(index > 0 || Object.keys(set).length > 0 ? [''] : []),
    ...lines(block, depth + 1),
  ])
  const body = [...assignments(set, depth + 1), ...inner]
  return body.length === 0 ? [`${indent}${head} {`, `${indent}}`] : [`${indent}${head} {`, ...body, `${indent}}`]
}

/** Equals signs stand below each other within runs of lines that are one line each. */
function assignments(set: { readonly [key: string]: Value }, depth: number): string[] {
  const indent = '  '.repeat(depth)
  const entries = Object.entries(set).map(([key, value]) => ({ key, text: written(value, depth) }))
  const runs: (typeof entries)[] = []
  for (const entry of entries) {
    const last = runs.at(-1)
    const isLong = entry.text.includes('\n')
    if (last === undefined || isLong || last.some(({ text }) => text.includes('\n'))) runs.push([entry])
    else last.push(entry)
  }
  return runs.flatMap(run => {
    const width = Math.max(...run.map(({ key }) => key.length))
    return run.map(({ key, text }) => `${indent}${key.padEnd(width)} = ${text}`)
  })
}

function written(value: Value, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object') return String(value)
  if (isRaw(value)) return value.raw
  if (Array.isArray(value)) return `[${value.map(one => written(one, depth)).join(', ')}]`
  const inner = assignments(value as { readonly [key: string]: Value }, depth + 1)
  return inner.length === 0 ? '{}' : `{\n${inner.join('\n')}\n${'  '.repeat(depth)}}`
}

function isRaw(value: object): value is Raw {
  return 'raw' in value && typeof (value as Raw).raw === 'string' && Object.keys(value).length === 1
}
