import type { Random } from '../../../src/bench/feed-server/random.js'

/** From and to of a stretch of at most `most` characters. */
export function span(text: string, random: Random, most: number): readonly [number, number] {
  const from = random.below(text.length + 1)
  return [from, Math.min(text.length, from + 1 + random.below(most))]
}

export function insertAt(text: string, random: Random, piece: string): string {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + piece + text.slice(at)
}

/** One tag, the first after a random place: its start, and its end behind `>`. Null when there is none. */
export function tagIn(text: string, random: Random): readonly [number, number] | null {
  const opensAt = text.indexOf('<', random.below(text.length + 1))
  const closesAt = opensAt < 0 ? -1 : text.indexOf('>', opensAt)
  return closesAt < 0 ? null : [opensAt, closesAt + 1]
}

/** The text replaced by what `change` makes of one of its tags. */
export function atTag(text: string, random: Random, change: (tag: string) => string): string {
  const place = tagIn(text, random)
  return place === null ? text : text.slice(0, place[0]) + change(text.slice(...place)) + text.slice(place[1])
}

/** The text replaced by what `change` makes of one whole element of that name (without elements of the name inside). */
export function atElement(
  text: string,
  random: Random,
  name: string,
  change: (start: string, inner: string, end: string) => string,
): string {
  const found = [...text.matchAll(new RegExp(`(<${name}(?:\\s[^<>]*)?>)([\\s\\S]*?)(</${name}>)`, 'g'))]
  if (found.length === 0) return text
  const [whole, start = '', inner = '', end = ''] = random.pick(found) as unknown as [string, string?, string?, string?]
  const at = found.find(match => match[0] === whole)?.index ?? 0
  return text.slice(0, at) + change(start, inner, end) + text.slice(at + whole.length)
}

/** Behind one of the places where content begins: after a tag, a CDATA opening, or inside a JSON string. */
export function insideContent(text: string, random: Random, piece: string): string {
  const near = random.below(text.length + 1)
  const at = text.indexOf(random.pick(['>', '<![CDATA[', '": "', '":"']), near)
  const behind = at < 0 ? near : at + (text.startsWith('<![CDATA[', at) ? 9 : text[at] === '>' ? 1 : text[at + 2] === ' ' ? 4 : 3)
  return text.slice(0, behind) + piece + text.slice(behind)
}
