/** Every directive of nginx's settings with the blocks it is in, `http` left out; a server is called by its name. */
export function directivesIn(text: string): Set<string> {
  const found = new Set<string>()
  walk(tokensOf(text), [], (path, words) => found.add([...path, words.join(' ')].join(' > ')))
  return found
}

function tokensOf(text: string): string[] {
  return (
    text
      .match(/#.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:[^\s{};"'#]|\{[\d,]+\})+/g)
      ?.filter(token => !token.startsWith('#')) ?? []
  )
}

function walk(
  tokens: string[],
  path: readonly string[],
  each: (path: readonly string[], words: readonly string[]) => void,
): void {
  let words: string[] = []
  for (let token = tokens.shift(); token !== undefined && token !== '}'; token = tokens.shift()) {
    if (token === ';') {
      each(path, words)
      words = []
    } else if (token === '{') {
      const at = tokens.indexOf('server_name')
      const head = words[0] === 'server' ? `server ${tokens[at + 1]}` : words.join(' ')
      walk(tokens, words[0] === 'http' ? path : [...path, head], each)
      words = []
    } else words.push(token)
  }
}
