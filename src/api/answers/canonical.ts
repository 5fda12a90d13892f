/**
 * The URL's path and its query in one order: those that differ only in the order of their parameters are answered alike. Parameters of the same name keep
 * theirs. Nothing is decoded: two spellings of a letter are two URLs.
 */
export function canonicalUrl(url: string): string {
  const mark = url.indexOf('?')
  if (mark === -1) return url
  const path = url.slice(0, mark)
  const query = url.slice(mark + 1)
  if (!query.includes('&')) return query === '' ? path : url
  const parts = query.split('&').filter(part => part !== '')
  const sorted = parts.map((part, index) => ({ part, index, name: nameOf(part) })).sort(byName)
  return sorted.length === 0 ? path : `${path}?${sorted.map(({ part }) => part).join('&')}`
}

function byName(one: { name: string; index: number }, other: { name: string; index: number }): number {
  if (one.name === other.name) return one.index - other.index
  return one.name < other.name ? -1 : 1
}

function nameOf(part: string): string {
  const mark = part.indexOf('=')
  return mark === -1 ? part : part.slice(0, mark)
}
