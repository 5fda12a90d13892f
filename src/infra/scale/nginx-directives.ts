/** `name value`, or a block: its head, and what is in it. */
export type Directive = string | readonly [head: string, inside: readonly Directive[]]

/** The lines of nginx's settings. */
export function block(directives: readonly Directive[], depth = 0): string[] {
  const indent = '    '.repeat(depth)
  return directives.flatMap(directive => {
    if (typeof directive === 'string') return [`${indent}${directive};`]
    const [head, inside] = directive
    return [...(depth < 2 ? [''] : []), `${indent}${head} {`, ...block(inside, depth + 1), `${indent}}`]
  })
}
